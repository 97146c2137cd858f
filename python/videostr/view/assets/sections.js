// The sections of a run's page.

const section = (id, title, says, ...children) => h("section", { id }, h("h2", {}, title), says ? h("p", { class: "says" }, says) : null, children);
const panel = (title, plot, extra) => h("figure", { class: "panel" }, h("figcaption", {}, h("b", {}, title), extra || null), plot.element);
const LAST = 0.1;

// Means over the first and the last tenth of the points, weighted by rows.
function ends(stats) {
  const places = stats.mean.map((value, place) => place).filter((place) => stats.mean[place] !== null);
  const count = Math.max(1, Math.ceil(places.length * LAST));
  const mean = (chosen) => chosen.reduce((sum, place) => sum + stats.mean[place] * stats.n[place], 0) / chosen.reduce((sum, place) => sum + stats.n[place], 0);
  return [mean(places.slice(0, count)), mean(places.slice(-count))];
}

const DESCRIBED = {
  total: "the weighted sum", format: "one think block, one answer block", answer: "the question's own score",
  graph: "of node, edge, chirality, motion", node: "places of matched objects", edge: "distances and angles between them",
  chirality: "left and right", motion: "how far objects go", consistency: "stated against derived distances",
  precision: "matched of those said", recall: "matched of those there", success: "answer and graph at least a half", length: "tokens within the limits", score: "what training used",
};
const ORDER = ["total", "score", "answer", "graph", "format", "node", "edge", "chirality", "motion", "success", "precision", "recall", "length", "consistency"];
const ordered = (series) => [...ORDER.filter((name) => series.includes(name)), ...series.filter((name) => !ORDER.includes(name))];
const isShare = (name) => !["total", "score"].includes(name) && ORDER.includes(name);

function tiles(run) {
  const shown = ordered(run.curves.series).slice(0, 6);
  const box = h("div", { class: "tiles" });
  const draw = () => {
    const stats = run.curves.stats[view.task];
    box.replaceChildren(...shown.filter((name) => stats[name]).map((name) => {
      const [first, last] = ends(stats[name]);
      const change = last - first;
      return h("div", { class: "tile" },
        h("span", { class: "tile-name" }, name), sparkline(stats[name].mean),
        h("span", { class: "tile-value" }, fixed(last)),
        h("span", { class: "tile-change", title: "means over the last and the first tenth of the points" }, run.curves.points.length > 1 ? `${change < 0 ? "−" : "+"}${fixed(Math.abs(change))}` : ""));
    }));
  };
  charts.add({ element: box, draw });
  draw();
  return box;
}

function statsRows(stats, place) {
  const at = (key) => (stats[key] ? stats[key][place] : null);
  if (at("n") === null) return [["", "no reply"]];
  return [["mean", number(at("mean"), 6)], ["std", number(at("std"), 6)], ["median", number(at("q50"), 6)],
    ["10 – 90 %", `${number(at("q10"), 6)} – ${number(at("q90"), 6)}`], ["25 – 75 %", `${number(at("q25"), 6)} – ${number(at("q75"), 6)}`], ["replies", number(at("n"))]];
}

function band(stats, bounded) {
  if (view.band === "none") return {};
  if (view.band === "quantiles") return { low: stats.q10, high: stats.q90 };
  const off = (sign) => stats.mean.map((mean, place) => (mean === null ? null : mean + sign * stats.std[place]));
  const clip = (values) => (bounded ? values.map((value) => (value === null ? null : Math.min(Math.max(value, 0), 1))) : values);
  return { low: clip(off(-1)), high: clip(off(1)) };
}

function componentsSection(run, pick) {
  const { points, stats, chance, series } = run.curves;
  const grid = h("div", { class: "grid" }, ordered(series).map((name) => {
    const of = () => stats[view.task][name];
    const plot = new Lines(points, {
      label: `${name} over the steps`, pick,
      domain: () => (isShare(name) ? [0, 1] : null),
      series: () => (of() ? [{ name, values: of().mean, colour: "var(--c1)", ...band(of(), isShare(name)) }] : []),
      levels: () => {
        const level = chance[view.task][name];
        return level === null || level === undefined ? [] : [{ value: level, label: `chance ${fixed(level, 2)}` }];
      },
      rows: (place) => [...(of() ? statsRows(of(), place) : [["", "not defined"]]), ...(chance[view.task][name] === null || chance[view.task][name] === undefined ? [] : [["chance", number(chance[view.task][name])]])],
    });
    return panel(name, plot, h("small", { class: "line-of" }, DESCRIBED[name] || "a term of the recipe's own"));
  }));
  const shared = points.some((point) => point.first !== point.last) ? ` A point stands for ${points[0].last - points[0].first + 1} steps.` : "";
  return section("components", "Components", `Means over the replies of a step. Dashed: what right labels at random places earn.${shared} A click on a point opens a rollout from near it.`, grid);
}

function tasksSection(run, pick, onTask) {
  const { points, stats, chance, series, tasks, rows } = run.curves;
  if (tasks.length < 2) return null;
  let name = series.includes("answer") ? "answer" : "total";
  const own = tasks.filter((task) => task !== "all");
  const look = (place) => ({ colour: COLOURS[place % COLOURS.length], dash: DASHES[Math.floor(place / COLOURS.length) % DASHES.length] });
  const plot = new Lines(points, {
    label: "one component by task", height: 300, pick,
    domain: () => (isShare(name) ? [0, 1] : null),
    series: () => own.map((task, place) => ({ task, place })).filter(({ task }) => stats[task][name]).map(({ task, place }) => {
      const shown = view.task === "all" || view.task === task;
      return { name: task, values: stats[task][name].mean, ...look(place), faint: !shown, ...(view.task === task ? band(stats[task][name], isShare(name)) : {}) };
    }),
    levels: () => (view.task !== "all" && chance[view.task][name] !== null && chance[view.task][name] !== undefined ? [{ value: chance[view.task][name], label: `chance ${fixed(chance[view.task][name], 2)}` }] : []),
    rows: (place) => own.map((task, each) => [task, each]).filter(([task]) => stats[task][name] && stats[task][name].mean[place] !== null).map(([task, each]) =>
      [task, `${number(stats[task][name].mean[place], 6)} ± ${number(stats[task][name].std[place], 3)}  (${stats[task][name].n[place]})`, look(each).colour]),
  });
  const table = h("div", { class: "scroll" });
  const fillTable = () => table.replaceChildren(h("table", { class: "plain tasks" },
    h("thead", {}, h("tr", {}, ["task", "replies", "first tenth", "last tenth", "change", "chance", ""].map((each) => h("th", {}, each)))),
    h("tbody", {}, own.map((task, place) => {
      const of = stats[task][name];
      const [first, last] = of ? ends(of) : [null, null];
      const level = chance[task][name];
      return h("tr", { class: view.task === task ? "chosen" : "" },
        h("td", {}, h("button", { type: "button", class: "link", onclick: () => onTask(view.task === task ? "all" : task) },
          s("svg", { width: 16, height: 10, "aria-hidden": "true" }, s("line", { x1: 0, x2: 16, y1: 5, y2: 5, stroke: look(place).colour, "stroke-width": 2.5, "stroke-dasharray": look(place).dash || null })), task)),
        [number(rows[task]), fixed(first), fixed(last), first === null ? "–" : `${last < first ? "−" : "+"}${fixed(Math.abs(last - first))}`, fixed(level)].map((each) => h("td", { class: "value" }, each)),
        h("td", {}, of ? sparkline(of.mean, isShare(name) ? [0, 1] : null) : ""));
    }))));
  fillTable();
  charts.add({ element: table, draw: fillTable });
  const choice = h("select", { "aria-label": "component", onchange: (event) => { name = event.target.value; redraw(); } },
    ordered(series).map((each) => h("option", { value: each, selected: each === name }, each)));
  return section("tasks", "Tasks", "A click on a task's name shows the whole page for it alone.",
    h("div", { class: "beside" }, h("figure", { class: "panel" }, h("figcaption", {}, choice, h("small", {}, "mean by task")), plot.element), table));
}

const STATUS = {
  graph_status: [["ok", "var(--c1)"], ["truncated", "var(--c5)"], ["none", "var(--quiet)"], ["bad", "var(--c2)"], ["too_big", "var(--c4)"], ["no reference", "var(--c7)"]],
  answer_status: [["ok", "var(--c1)"], ["many", "var(--c5)"], ["unreadable", "var(--c2)"], ["none", "var(--quiet)"], ["no reference", "var(--c7)"]],
};

function statusSection(run, pick) {
  const { points, status } = run.curves;
  const nothing = points.map(() => 0);
  const repairs = Object.entries(status.all.repairs).sort((a, b) => b[1].reduce((x, y) => x + y, 0) - a[1].reduce((x, y) => x + y, 0)).map(([name]) => name);
  const height = Math.max(170, 24 + 18 * repairs.length);
  const bars = (kind, title) => {
    const known = new Set(Object.keys(status.all[kind]));
    const parts = () => STATUS[kind].filter(([name]) => known.has(name)).map(([name, colour]) => ({ name: name.replaceAll("_", " "), colour, counts: status[view.task][kind][name] || nothing }));
    return panel(title, new Bars(points, { label: title, pick, parts, height }), legend(parts()));
  };
  const heat = new Heat(points, {
    label: "repairs over the steps", pick, all: () => status[view.task].rows,
    names: () => repairs.map((name) => ({ name: name.replaceAll("_", " "), counts: status[view.task].repairs[name] || nothing })),
  });
  return section("status", "What could be read", "Shares of the replies. Repairs are faults that the reader mended; a reply may have several.",
    h("div", { class: "grid wide" }, bars("graph_status", "graph status"), bars("answer_status", "answer status"),
      repairs.length ? panel("repairs", heat, h("small", {}, "share of the replies; at the right over the whole run")) : h("figure", { class: "panel" }, h("figcaption", {}, h("b", {}, "repairs")), h("p", { class: "hint" }, "No reply needed a repair."))));
}

function lengthPanel(run, pick) {
  const { points, lengths } = run.curves;
  const { unit: name } = lengths.all;
  const of = () => lengths[view.task] || lengths.all;
  const zone = name === "tokens" && run.spec.weights.length ? [{ low: run.spec.length_min, high: run.spec.length_max }] : [];
  const plot = new Lines(points, {
    label: "reply lengths", height: 170, pick, zones: zone,
    series: () => [
      { name: "10 – 90 %", low: of().q10, high: of().q90, colour: "var(--c1)" },
      { name: "25 – 75 %", low: of().q25, high: of().q75, colour: "var(--c1)", opacity: 0.22 },
      { name: "median", values: of().q50, colour: "var(--c1)" },
      { name: "longest", values: of().max, colour: "var(--quiet)", dash: "2 3", faint: true },
    ],
    rows: (place) => [...statsRows(of(), place), ["longest", number(of().max[place])]],
  });
  return panel(`reply length, ${name}`, plot, h("small", {}, `median, 25 – 75 %, 10 – 90 %; dotted: the longest${zone.length ? `; shaded: ${run.spec.length_min} to ${run.spec.length_max} earn length` : ""}`));
}

function groupsSection(run, pick) {
  const { points, group_health: health, groups } = run.curves;
  const column = (key) => points.map((_, place) => (health[view.task][place] ? health[view.task][place][key] : 0));
  const lengths = run.curves.lengths.all ? lengthPanel(run, pick) : null;
  if (!groups) return section("groups", "Groups and lengths", "The lines name no groups, so there is nothing to say about them.", h("div", { class: "grid two" }, lengths));
  const solved = () => [["all solve it", "all", "var(--c1)"], ["some do", "some", "var(--c3)"], ["none does", "none", "var(--c2)"]].map(([name, key, colour]) => ({ name, colour, counts: column(key) }));
  const spread = new Lines(points, {
    label: "scores within groups", height: 170, pick,
    series: () => [{ name: "std", values: points.map((_, place) => (health[view.task][place] ? health[view.task][place].std : null)), colour: "var(--c1)" }],
    rows: (place) => [["mean std", number(health[view.task][place] ? health[view.task][place].std : null, 6)], ["groups", number(column("groups")[place])]],
  });
  const constant = new Lines(points, {
    label: "groups of equal scores", height: 170, pick, domain: () => [0, 1],
    series: () => [{ name: "equal scores", colour: "var(--c1)", values: points.map((_, place) => (health[view.task][place] ? health[view.task][place].constant / health[view.task][place].groups : null)) }],
    rows: (place) => [["groups", number(column("groups")[place])], ["of equal scores", number(column("constant")[place])]],
  });
  return section("groups", "Groups and lengths", "GRPO learns from differences within a group: prompts that none or all solve, and groups of equal scores, teach nothing or little. Solved: answer (where none is asked for, graph) at least a half.",
    h("div", { class: "grid two" },
      panel("prompts solved by", new Bars(points, { label: "prompts solved by none, some, all", pick, parts: solved, height: 170 }), legend(solved())),
      panel("spread of scores within a group", spread, h("small", {}, "mean over the groups of the standard deviation")),
      panel("groups of equal scores", constant, h("small", {}, "share; their advantages are zero")), lengths));
}

function trainerSection(run) {
  const { metrics } = run;
  if (!metrics || !Object.keys(metrics.values).length) return null;
  const { points, values, shown_first: first } = metrics;
  const plotOf = (key, height) => new Lines(points, { label: key, height: height || 120, series: () => [{ name: key, values: values[key], colour: "var(--c1)" }] });
  const keys = Object.keys(values);
  let chosen = keys.find((key) => !first.includes(key)) || keys[0];
  const any = new Lines(points, { label: "any key", height: 200, series: () => [{ name: chosen, values: values[chosen], colour: "var(--c1)" }] });
  const choice = h("select", { "aria-label": "key of the log", onchange: (event) => { chosen = event.target.value; any.draw(); } }, keys.map((key) => h("option", { value: key, selected: key === chosen }, key)));
  const notes = [metrics.left_out ? `${metrics.left_out} more keys are not on this page` : "", metrics.bad ? `${many(metrics.bad, "line")} could not be read` : ""].filter(Boolean).join("; ");
  return section("trainer", "Trainer", `From metrics.jsonl, which has ${many(keys.length, "key")}${notes ? `; ${notes}` : ""}.`,
    h("div", { class: "grid small" }, first.map((key) => panel(key, plotOf(key)))),
    h("figure", { class: "panel" }, h("figcaption", {}, choice), any.element));
}

// When, how and with what it was started, as the launcher left it.
function startOf({ start, versions }) {
  return [
    start && h("p", {}, `started ${start.started}`, start.resumed_from === null ? "" : `, from step ${start.resumed_from}`, start.starts > 1 ? `; start ${start.starts}` : ""),
    start && start.command ? h("pre", { class: "command" }, start.command) : null,
    start && start.changed.length ? h("div", { class: "note" }, "changed since the start before: ", h("ul", {}, start.changed.map((each) => h("li", {}, each)))) : null,
    versions.length ? h("p", {}, versions.map((each) => h("span", { class: "chip" }, each))) : null,
  ];
}

function aboutSection(run) {
  const spec = Object.entries(run.spec).filter(([name]) => name !== "weights");
  return section("about", "What was run", "",
    h("div", { class: "about" },
      h("div", {}, h("h4", {}, "start, configuration, versions"), startOf(run),
        run.documents.length ? run.documents.map(({ name, text }) => h("details", {}, h("summary", {}, name), h("pre", { class: "config" }, text))) : h("p", { class: "hint" }, "The run left no configuration files.")),
      h("div", {}, h("h4", {}, "reward spec", h("small", {}, ` ${run.spec_name}`)), h("p", {}, "fingerprint ", h("code", {}, run.fingerprint), run.other_fingerprints.length ? ` · also there: ${run.other_fingerprints.join(", ")}` : ""),
        h("p", {}, "weights ", Object.entries(run.spec.weights).map(([name, weight]) => h("span", { class: weight ? "chip" : "chip off" }, `${name} ${number(weight)}`))),
        h("details", {}, h("summary", {}, "every field"), h("table", { class: "plain" }, h("tbody", {}, spec.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, String(value))))))),
        h("p", { class: "hint" }, `This page was made by videostr ${run.version}, on ${run.made}, from ${run.folder}.`))));
}
