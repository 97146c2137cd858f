// The page: of a run, or of one rollout.

const data = JSON.parse(document.getElementById("data").textContent);
const page = document.getElementById("page");

function control(name, element) {
  return h("label", { class: "control" }, h("span", {}, name), element);
}

function runPage(run) {
  const gallery = run.rollouts.length ? new Gallery(run.rollouts, run.kinds, run.clips) : null;
  const pick = gallery ? (point) => gallery.nearest(point) : null;
  const tasks = h("select", { id: "task", onchange: (event) => setTask(event.target.value) }, run.curves.tasks.map((task) => h("option", { value: task }, task)));
  function setTask(task) {
    view.task = task;
    tasks.value = task;
    redraw();
  }
  view.smooth = run.curves.points.length > 2 * DOTS ? 0.6 : 0;
  const told = () => (view.smooth ? view.smooth.toFixed(2) : "off");
  const smooth = h("input", { id: "smooth", type: "range", min: 0, max: 0.98, step: 0.02, value: view.smooth, oninput: (event) => { view.smooth = Number(event.target.value); shown.replaceChildren(told()); redraw(); } });
  const shown = h("output", {}, told());
  const bands = h("select", { id: "band", onchange: (event) => { view.band = event.target.value; redraw(); } },
    [["std", "mean ± std"], ["quantiles", "10 – 90 %"], ["none", "none"]].map(([value, name]) => h("option", { value }, name)));
  const curves = run.curves.points.length && run.curves.series.length;
  const sections = [
    curves ? componentsSection(run, pick) : null, curves ? tasksSection(run, pick, setTask) : null,
    curves ? statusSection(run, pick) : null, curves ? groupsSection(run, pick) : null,
    gallery ? section("rollouts", "Rollouts", null, gallery.element) : null, trainerSection(run), aboutSection(run),
  ].filter(Boolean);
  page.append(
    h("header", { class: "top" },
      h("p", { class: "kicker" }, "videostr report"),
      h("h1", {}, run.name),
      h("p", { class: "facts" }, `${many(run.steps, "step")} · ${many(run.curves.rows ? run.curves.rows.all || 0 : 0, "rollout")} · ${many(run.curves.groups || 0, "group")} · spec ${run.spec_name} `, h("code", {}, run.fingerprint)),
      run.missing.length ? h("details", { class: "missing", open: !curves }, h("summary", {}, `${many(run.missing.length, "thing")} missing or left out`), h("ul", {}, run.missing.map((each) => h("li", {}, each)))) : null),
    h("nav", { class: "topbar" },
      h("div", { class: "anchors" }, sections.map((each) => h("a", { href: `#${each.id}` }, each.querySelector("h2").textContent))),
      curves ? h("div", { class: "controls" }, run.curves.tasks.length > 1 ? control("task", tasks) : null, control("spread", bands), control("smoothing", [smooth, shown])) : null),
    h("main", {}, curves ? tiles(run) : null, sections));
}

function rolloutPage(one) {
  page.append(
    h("header", { class: "top" }, h("p", { class: "kicker" }, "videostr view"), h("h1", {}, one.rollout.id),
      h("p", { class: "facts" }, `spec ${one.spec_name} `, h("code", {}, one.fingerprint), ` · videostr ${one.version}`)),
    h("main", { class: "single" }, rolloutDetail(one.rollout, one.clips)));
}

document.documentElement.classList.add("js");
if (data.kind === "run") runPage(data);
else rolloutPage(data);
page.setAttribute("data-ready", "");
