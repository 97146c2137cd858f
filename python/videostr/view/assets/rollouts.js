// One rollout: its scores, its scene, the clip and the text.

const NAMES = ["format", "answer", "node", "edge", "chirality", "motion", "consistency", "precision", "recall", "graph", "success", "length", "total"];

function rolloutDetail(rollout, clips) {
  const clip = rollout.clip === null ? null : clips[rollout.clip];
  const text = replyText(rollout);
  const strip = clip ? filmstrip(clip) : null;
  let scene = null;
  if (rollout.scene) {
    scene = sceneView(rollout.scene, clip && clip.size, {
      light(frame, node) {
        text.light(frame, node);
      },
      frame(shown, place) {
        text.frame = place;
        if (strip) strip.show(shown.t, scene ? scene.element : null);
      },
    });
    text.onpoint = (frame, node) => {
      if (frame !== null) scene.show(frame);
      scene.light(node === null ? null : `reply ${node}`);
    };
    if (strip) strip.pick = (t) => scene.show(nearestFrame(rollout.scene.frames, t));
  }
  return h("article", { class: "detail", "data-id": rollout.id },
    detailHead(rollout),
    h("div", { class: "detail-top" },
      h("div", { class: "pane" }, scene ? scene.element : h("p", { class: "hint" }, "The reference has no graph."),
        strip ? strip.element : rollout.clip_note ? h("p", { class: "hint" }, rollout.clip_note) : null),
      h("div", { class: "pane" }, scoreTable(rollout), groupStrip(rollout), answers(rollout))),
    h("div", { class: rollout.prompt ? "texts two" : "texts" },
      rollout.prompt ? h("div", { class: "pane" }, h("h4", {}, "prompt"), h("pre", { class: "prose", dir: "auto", tabindex: 0 }, rollout.prompt)) : null,
      h("div", { class: "pane" }, h("h4", {}, "reply", h("small", {}, ` ${rollout.tokens === null ? "" : `${many(rollout.tokens, "token")}, `}${many(rollout.characters, "character")}`)), text.element)),
    rollout.scene ? tables(rollout.scene) : null);
}

function nearestFrame(frames, t) {
  let best = 0;
  frames.forEach((frame, place) => {
    if (Math.abs(frame.t - t) < Math.abs(frames[best].t - t)) best = place;
  });
  return best;
}

function detailHead(rollout) {
  const chip = (text, kind = "") => h("span", { class: `chip ${kind}` }, text);
  return h("header", {},
    h("h3", {}, rollout.step === null ? rollout.id : `step ${rollout.step}`, h("small", {}, ` ${rollout.step === null ? "" : `${rollout.id} · `}${rollout.task}`)),
    h("div", { class: "chips" },
      rollout.why.map((why) => chip(why, "why")),
      rollout.graph_status ? chip(`graph ${rollout.graph_status}`, rollout.graph_status === "ok" ? "" : "bad") : null,
      rollout.answer_status ? chip(`answer ${rollout.answer_status}`, rollout.answer_status === "ok" ? "" : "bad") : null,
      (rollout.repairs || []).map((name) => chip(name.replaceAll("_", " "), "repair"))),
    rollout.notes.map((note) => h("p", { class: "note" }, note)),
    rollout.differs && rollout.differs.length ? h("p", { class: "note" }, `recorded components are not those of a new scoring: ${rollout.differs.join(", ")}`) : null);
}

// Each component with its value, the chance level of this very reference, and what it adds to the total.
function scoreTable(rollout) {
  if (!rollout.components) return h("p", { class: "hint" }, "Nothing could be scored.");
  const rows = NAMES.filter((name) => name !== "total").map((name) => {
    const value = rollout.components[name];
    const chance = (rollout.chance || {})[name];
    const weight = (rollout.weights || {})[name];
    const adds = weight && value !== null && value !== undefined ? rollout.adds[name] : null;
    return h("tr", { class: value === null || value === undefined ? "undefined" : "" },
      h("th", { scope: "row" }, name),
      h("td", { class: "meter" }, value === null || value === undefined ? "not defined"
        : h("div", { class: "track", title: chance === undefined ? "" : `right labels at random places earn ${fixed(chance)}` },
          h("div", { class: "filled", css: { width: `${100 * value}%` } }),
          chance === undefined ? null : h("div", { class: "chance", css: { left: `${100 * chance}%` } }))),
      h("td", { class: "value" }, fixed(value)),
      h("td", { class: "adds" }, adds === null ? "" : `+${fixed(adds, 2)}`));
  });
  const terms = Object.entries(rollout.terms).map(([name, value]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, "own term"), h("td", { class: "value" }, value === null ? "failed" : number(value)), h("td", {})));
  const { total } = rollout.components;
  return h("table", { class: "scores" },
    h("thead", {}, h("tr", {}, h("th", {}, "component"), h("th", {}, "", h("small", {}, "▏chance of this scene")), h("th", { class: "value" }, "value"), h("th", { class: "adds" }, "adds"))),
    h("tbody", {}, rows, terms),
    h("tfoot", {}, h("tr", {}, h("th", {}, "total"), h("td", {}, rollout.score !== null && total !== null && Math.abs(rollout.score - total) > 1e-6 ? `trained on ${fixed(rollout.score)}` : ""), h("td", { class: "value" }, fixed(total)), h("td", {}))));
}

// Where the reply stands among the replies to its prompt.
function groupStrip(rollout) {
  const scores = rollout.group.filter((score) => score !== null);
  if (scores.length < 2) return null;
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const at = (score) => (high > low ? 8 + (284 * (score - low)) / (high - low) : 150);
  const svg = s("svg", { viewBox: "0 0 300 34", class: "group", role: "img", "aria-label": "scores of the group" },
    s("line", { class: "grid", x1: 8, x2: 292, y1: 12, y2: 12 }),
    scores.map((score) => s("circle", { class: Math.abs(score - rollout.score) < 1e-9 ? "own" : "other", cx: at(score), cy: 12, r: 5 })),
    high > low ? [s("text", { class: "tick", x: 4, y: 31 }, fixed(low, 2)), s("text", { class: "tick", x: 296, y: 31, "text-anchor": "end" }, fixed(high, 2))]
      : s("text", { class: "tick", x: 150, y: 31, "text-anchor": "middle" }, `all ${fixed(low, 2)}: nothing to learn from`));
  return h("div", { class: "group-box" }, h("h4", {}, "its group", h("small", {}, ` rank ${rollout.rank} of ${rollout.group_size} by score`)), svg);
}

function answers(rollout) {
  const { truth, said } = rollout;
  if (!truth) return null;
  const right = truth.unit ? `${truth.value} ${truth.unit}` : truth.value;
  return h("div", { class: "answers" },
    h("h4", {}, "answer", h("small", {}, ` ${truth.kind}`)),
    h("dl", {},
      h("dt", {}, "asked for"), h("dd", {}, right),
      h("dt", {}, "said"), h("dd", { dir: "auto" }, said === null || said === undefined ? h("em", {}, "no answer block counts") : said || h("em", {}, "nothing"))),
    truth.options ? h("ol", { class: "options" }, truth.options.map((option, place) =>
      h("li", { class: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place] === truth.value.toUpperCase() ? "right" : "" }, option))) : null);
}

// The reply with its tags, nodes and repairs marked; a node of the text and of the scene light up together.
function replyText(rollout) {
  const element = h("pre", { class: "reply", dir: "auto", tabindex: 0 });
  const self = { element, frame: 0, onpoint: () => {} };
  const cuts = new Set([0, rollout.text.length]);
  for (const mark of rollout.marks) cuts.add(mark.from).add(mark.to);
  const places = [...cuts].filter((at) => at >= 0 && at <= rollout.text.length).sort((a, b) => a - b);
  places.slice(0, -1).forEach((from, index) => {
    const piece = rollout.text.slice(from, places[index + 1]);
    const marks = rollout.marks.filter((mark) => mark.from <= from && mark.to > from);
    if (!marks.length) {
      element.append(visible(piece));
      return;
    }
    const node = marks.find((mark) => mark.kind === "node");
    const repair = marks.find((mark) => mark.kind === "repair");
    element.append(h("span", {
      class: marks.map((mark) => `mark-${mark.kind}`).join(" "),
      title: repair ? `repaired: ${repair.says.replaceAll("_", " ")}` : null,
      "data-frame": node ? node.frame : null, "data-node": node ? node.node : null,
      onpointerenter: node ? () => self.onpoint(node.frame, node.node) : null,
      onpointerleave: node ? () => self.onpoint(null, null) : null,
    }, piece));
  });
  self.light = (frame, node) => {
    for (const span of element.querySelectorAll(".mark-node")) {
      const on = Number(span.getAttribute("data-frame")) === frame && Number(span.getAttribute("data-node")) === node;
      span.classList.toggle("lit", on);
    }
  };
  return self;
}

function filmstrip(clip) {
  const self = { pick: () => {} };
  const pictures = clip.pictures.map((picture) => h("figure", { class: "still", "data-t": picture.t },
    h("img", { src: picture.src, alt: picture.t === null ? "the picture" : `the clip at ${number(picture.t)} s`, onclick: () => self.pick(picture.t) }),
    h("figcaption", {}, picture.t === null ? "" : `${number(picture.t)} s`)));
  self.element = h("div", { class: "film", tabindex: 0, "aria-label": "frames of the clip" }, pictures);
  self.show = (t) => {
    const place = t === null || !clip.pictures.length ? 0 : nearestFrame(clip.pictures, t);
    pictures.forEach((picture, each) => picture.classList.toggle("now", each === place));
    const now = pictures[place];
    if (now) self.element.scrollLeft = now.offsetLeft - self.element.offsetLeft - (self.element.clientWidth - now.offsetWidth) / 2;
    for (const each of charts) if (each instanceof PictureView && each.element.isConnected && clip.pictures[place]) each.back(clip.pictures[place].src);
  };
  return self;
}

// The numbers behind the picture.
function tables(scene) {
  const rows = scene.frames.flatMap((frame, place) => [
    ...frame.reply.filter((node) => node.pair >= 0).map((node) => [place + 1, frame.reference[node.pair].id, node.id, number(node.distance), fixed(node.credit)]),
    ...frame.reference.filter((node) => node.pair < 0).map((node) => [place + 1, node.id, "missing", "", ""]),
    ...frame.reply.filter((node) => node.pair < 0).map((node) => [place + 1, "no partner", node.id, "", ""]),
  ]);
  const edges = scene.frames.flatMap((frame, place) => frame.edges.map((edge) => [place + 1, edge.ends.join(" – "), number(edge.distance), number(edge.said), fixed(edge.credit)]));
  const table = (head, body) => h("div", { class: "scroll" }, h("table", { class: "plain" },
    h("thead", {}, h("tr", {}, head.map((each) => h("th", {}, each)))), h("tbody", {}, body.map((row) => h("tr", {}, row.map((each) => h("td", {}, each)))))));
  return h("div", { class: "texts" },
    h("details", {}, h("summary", {}, `nodes (${rows.length})`), table(["frame", "reference", "reply", `apart${scene.unit ? `, ${scene.unit}` : ""}`, "credit"], rows)),
    edges.length ? h("details", {}, h("summary", {}, `edges that lose most (${edges.length})`), table(["frame", "pair", "reference", "reply", "credit"], edges)) : null);
}

// The list of chosen rollouts beside the one that is open.
class Gallery {
  constructor(rollouts, kinds, clips) {
    Object.assign(this, { rollouts, kinds, clips });
    this.kind = Object.keys(kinds).find((kind) => rollouts.some((each) => each.why.includes(kind)));
    this.tabs = h("div", { class: "tabs", role: "tablist" });
    this.list = h("div", { class: "cards" });
    this.open = h("div", { class: "opened" });
    this.says = h("p", { class: "hint" });
    this.element = h("div", { class: "gallery" }, this.tabs, this.says, h("div", { class: "gallery-body" }, this.list, this.open));
    const named = rollouts.find((each) => `#${encodeURIComponent(each.id)}` === location.hash);
    this.show(named ? named.why[0] : this.kind, named);
  }

  show(kind, rollout) {
    this.kind = kind;
    const of = (name) => this.rollouts.filter((each) => each.why.includes(name));
    this.tabs.replaceChildren(...Object.keys(this.kinds).filter((name) => of(name).length).map((name) =>
      h("button", { role: "tab", type: "button", "aria-selected": String(name === kind), onclick: () => this.show(name) }, name, h("small", {}, ` ${of(name).length}`))));
    this.says.replaceChildren(this.kinds[kind]);
    const shown = of(kind).sort((a, b) => (kind === "along the run" ? a.step - b.step || b.score - a.score : 0));
    this.list.replaceChildren(...shown.map((each) => this.card(each)));
    this.select(rollout || shown[0]);
  }

  card(rollout) {
    const parts = ["format", "answer", "graph"].map((name) => [name, (rollout.components || {})[name]]);
    return h("button", { type: "button", class: "card", "data-id": rollout.id, onclick: () => this.select(rollout, true) },
      h("span", { class: "card-score" }, fixed(rollout.score, 2)),
      h("span", { class: "card-text" }, h("b", {}, `step ${rollout.step}`), h("span", {}, rollout.task),
        h("span", { class: "card-parts" }, parts.map(([name, value]) => h("span", {}, `${name} ${value === null || value === undefined ? "–" : fixed(value, 2)}`)))));
  }

  select(rollout, byHand) {
    if (!rollout) return;
    for (const card of this.list.children) card.setAttribute("aria-current", String(card.getAttribute("data-id") === rollout.id));
    this.open.replaceChildren(rolloutDetail(rollout, this.clips));
    if (byHand) {
      history.replaceState(null, "", `#${encodeURIComponent(rollout.id)}`);
      if (this.open.getBoundingClientRect().top > innerHeight * 0.8) comeTo(this.open);
    }
  }

  // The best rollout that is shown of the step nearest to a point of a curve.
  nearest(point) {
    const kind = "along the run";
    const step = middle(point);
    const near = this.rollouts.filter((each) => each.why.includes(kind)).sort((a, b) => Math.abs(a.step - step) - Math.abs(b.step - step) || b.score - a.score)[0];
    if (!near) return;
    this.show(kind, near);
    comeTo(this.element);
  }
}
