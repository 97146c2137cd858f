// A reference graph and a reply beside it: from above, in space (turned with the pointer or the arrow keys), or in the picture.

const dot = (a, b) => a.reduce((sum, each, place) => sum + each * b[place], 0);
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (a) => a.map((each) => each / (Math.hypot(...a) || 1));
const NEUTRAL = { yaw: 0.6, pitch: 0.5, zoom: 1 };
const LABELS = 24; // of more nodes, names are in the tooltips alone

// Right, away and up of a scene: where nothing says what is up, z of the world, against y of a camera.
function axesOf(scene) {
  const camera = scene.space === "camera";
  const up = unit(scene.up || (camera ? [0, -1, 0] : [0, 0, 1]));
  let right = [1, 0, 0];
  if (Math.abs(dot(right, up)) > 0.9) right = [0, 1, 0];
  right = unit(right.map((each, place) => each - dot(right, up) * up[place]));
  return [right, cross(up, right), up];
}

// Places in a scene's own axes, about the middle of what is drawn, and how far that reaches from there.
class Space {
  constructor(scene) {
    const rows = axesOf(scene);
    const own = (at) => rows.map((row) => dot(row, at));
    const bounds = (places) => [0, 1, 2].map((axis) => [Math.min(...places.map((at) => at[axis])), Math.max(...places.map((at) => at[axis]))]);
    const known = scene.frames.flatMap((frame) => frame.reference.map((node) => own(node.at)));
    const inner = bounds(known);
    const size = Math.max(...inner.map(([low, high]) => high - low), 0.25 * (scene.scale || 0)) || 1;
    // replies stray: what is near is drawn in its place, what is far at the edge
    const isNear = (at) => at.every((each, axis) => each > inner[axis][0] - 1.2 * size && each < inner[axis][1] + 1.2 * size);
    const stray = scene.frames.flatMap((frame) => [...frame.reply.map((node) => own(node.at)), ...(frame.observer ? [own(frame.observer)] : [])]);
    const all = [...known, ...stray.filter(isNear)];
    const outer = bounds(all);
    this.middle = outer.map(([low, high]) => (low + high) / 2);
    this.floor = Math.min(inner[2][0], outer[2][0]) - this.middle[2];
    this.own = (at) => own(at).map((each, axis) => each - this.middle[axis]);
    this.across = Math.max(...outer.slice(0, 2).map(([low, high]) => high - low)) / 2 || size / 2;
    this.reach = Math.max(...all.map((at) => Math.hypot(...at.map((each, axis) => each - this.middle[axis])))) || size / 2;
  }
}

function sceneView(scene, size, hooks) {
  const space = scene.dim === 2 ? null : new Space(scene);
  const views = scene.dim === 2 ? [new PictureView(scene, size, hooks)] : [
    new SpaceView(scene, space, hooks, { name: "from above", yaw: 0, pitch: Math.PI / 2, fixed: true }),
    new SpaceView(scene, space, hooks, { name: "in space", ...NEUTRAL }),
  ];
  let frame = 0;
  const told = h("p", { class: "frame-told" });
  const slider = h("input", {
    type: "range", min: 0, max: scene.frames.length - 1, value: 0, "aria-label": "frame", oninput: (event) => show(Number(event.target.value)),
  });
  function show(next) {
    frame = Math.min(Math.max(next, 0), scene.frames.length - 1);
    slider.value = frame;
    const { t, partner_t: partner, paired, motion, left_out: left, chirality } = scene.frames[frame];
    told.replaceChildren(
      h("b", {}, `frame ${frame + 1} of ${scene.frames.length}${t === null ? "" : `, t = ${number(t)} s`}`), " · ",
      paired ? `pairs with the reply's${partner === null ? " frame" : ` t = ${number(partner)} s`}` : h("em", {}, "no frame of the reply pairs with it"),
      motion ? ` · reply ${motion} to fit` : "",
      chirality[1] ? ` · ${chirality[0]} of ${chirality[1]} left-right tuples right` : "",
      left ? ` · ${many(left, "node")} not drawn` : "",
    );
    for (const each of views) each.show(frame);
    hooks.frame(scene.frames[frame], frame);
  }
  const notes = [
    scene.frames_in_all > scene.frames.length && `${scene.frames.length} of the reference's ${scene.frames_in_all} frames are drawn`,
    scene.extra_frames && `${many(scene.extra_frames, "frame")} of the reply pair${scene.extra_frames === 1 ? "s" : ""} with none of the reference`,
  ].filter(Boolean);
  const element = h("div", { class: "scene" },
    h("div", { class: `views views-${views.length}` }, views.map((each) => each.element)),
    h("div", { class: "frame-bar" }, scene.frames.length > 1 ? slider : null, told),
    notes.length ? h("p", { class: "hint" }, notes.join("; ")) : null,
    sceneLegend());
  for (const each of views) charts.add(each);
  requestAnimationFrame(() => show(0));
  return { element, show, light: (place) => views.forEach((each) => each.light(place)) };
}

function sceneLegend() {
  const sign = (...parts) => s("svg", { width: 20, height: 14, viewBox: "-10 -7 20 14", "aria-hidden": "true" }, parts);
  const entry = (picture, text) => h("span", {}, picture, text);
  return h("div", { class: "legend" },
    entry(sign(shape("reference", 0, 0, true)), "reference"),
    entry(sign(shape("reply", 0, 0, true)), "reply, where it is compared"),
    entry(sign(s("line", { class: "pair", x1: -9, x2: 9, y1: 0, y2: 0 })), "matched"),
    entry(sign(shape("reference", 0, 0, false)), "missing in the reply"),
    entry(sign(shape("reply", 0, 0, false)), "without a partner"));
}

function shape(side, x, y, matched) {
  const name = `${side} ${matched ? "matched" : "alone"}`;
  if (side === "reference") return s("circle", { class: name, cx: x, cy: y, r: 5 });
  return s("path", { class: name, d: `M${x} ${y - 5.5}L${x + 5.5} ${y}L${x} ${y + 5.5}L${x - 5.5} ${y}Z` });
}

// What is common to views: nodes, joined pairs, names, tooltips, light on one node.
class SceneBase {
  constructor(scene, hooks, name) {
    Object.assign(this, { scene, hooks, name, frame: 0 });
    this.element = h("figure", { class: "view" });
    this.lit = null;
  }
  show(frame) {
    this.frame = frame;
    this.draw();
  }
  light(place) {
    this.lit = place;
    for (const each of this.element.querySelectorAll("[data-node]")) {
      each.classList.toggle("lit", each.getAttribute("data-node") === place);
    }
  }

  nodes(svg, project) {
    const { reference, reply } = this.scene.frames[this.frame];
    const drawn = [
      ...reference.map((node, place) => ({ node, place, side: "reference" })),
      ...reply.map((node, place) => ({ node, place, side: "reply" })),
    ].map((each) => ({ ...each, ...project(each.node.at) }));
    const ofReply = drawn.slice(reference.length);
    for (const each of drawn.slice(0, reference.length)) {
      if (each.node.pair < 0) continue;
      const partner = ofReply[each.node.pair];
      svg.append(s("line", { class: "pair", x1: each.x, y1: each.y, x2: partner.x, y2: partner.y }));
    }
    const names = new Names(this.width, this.height, drawn);
    for (const each of drawn.sort((a, b) => b.depth - a.depth)) {
      const matched = each.node.pair >= 0;
      const key = `${each.side} ${each.place}`;
      const mark = shape(each.side, each.x, each.y, matched);
      mark.setAttribute("data-node", key);
      if (each.far) mark.classList.add("far");
      mark.addEventListener("pointermove", (event) => {
        this.hooks.light(this.frame, each.side === "reply" ? each.place : each.node.pair);
        tip.show(event, each.node.id, this.says(each));
      });
      mark.addEventListener("pointerleave", () => {
        this.hooks.light(this.frame, -1);
        tip.hide();
      });
      svg.append(mark);
      // a matched reply is named by the reference's node that it is joined to
      if (drawn.length <= 2 * LABELS && (each.side === "reference" || !matched)) names.put(svg, each.x, each.y, each.node.id, each.side);
    }
    if (this.lit) this.light(this.lit);
  }

  says({ node, side, far }) {
    const unitName = this.scene.unit ? ` ${this.scene.unit}` : "";
    const point = (at) => at.map((each) => number(each, 6)).join(", ");
    const rows = [[side === "reference" ? "reference" : "compared at", point(node.at)]];
    if (side === "reply") rows.push(["written", point(node.written)]);
    const partner = side === "reply" ? node : this.scene.frames[this.frame].reply[node.pair];
    if (node.pair >= 0) {
      rows.push([side === "reply" ? "is" : "reply", side === "reply" ? this.scene.frames[this.frame].reference[node.pair].id : partner.id]);
      rows.push(["apart", `${number(partner.distance)}${unitName}`], ["credit", fixed(partner.credit)]);
    } else if (side === "reference") rows.push(["", "missing in the reply"]);
    else rows.push(["", node.known_label ? "no partner left" : "no such label in the reference"]);
    if (far) rows.push(["", "lies outside of the picture"]);
    return rows;
  }
}

// Names beside their nodes, where there is room.
class Names {
  constructor(width, height, drawn) {
    Object.assign(this, { width, height });
    this.taken = drawn.map(({ x, y }) => [x - 6, y - 6, x + 6, y + 6]);
  }
  put(svg, x, y, name, side) {
    const text = name.length > 22 ? `${name.slice(0, 21)}…` : name;
    const wide = 6.1 * text.length;
    for (const [dx, dy, anchor] of [[9, 3.5, "start"], [-9, 3.5, "end"], [0, -10, "middle"], [0, 17, "middle"], [9, 14, "start"], [-9, -8, "end"]]) {
      const left = x + dx - (anchor === "end" ? wide : anchor === "middle" ? wide / 2 : 0);
      const box = [left, y + dy - 9, left + wide, y + dy + 2];
      if (left < 0 || box[2] > this.width || box[1] < 0 || box[3] > this.height) continue;
      if (this.taken.some((each) => each[0] < box[2] && box[0] < each[2] && each[1] < box[3] && box[1] < each[3])) continue;
      this.taken.push(box);
      svg.append(s("text", { class: `node-name ${side}`, x: x + dx, y: y + dy, "text-anchor": anchor }, text));
      return;
    }
  }
}

class SpaceView extends SceneBase {
  constructor(scene, space, hooks, { name, yaw, pitch, fixed: isFixed }) {
    super(scene, hooks, name);
    Object.assign(this, { space, yaw, pitch, zoom: 1, isFixed });
  }

  turn(yaw, pitch) {
    this.yaw = yaw;
    this.pitch = Math.min(Math.max(pitch, 0), Math.PI / 2);
    this.draw();
  }

  project(at) {
    let own = this.space.own(at);
    const most = Math.hypot(...own) / (1.02 * this.space.reach);
    const far = most > 1;
    if (far) own = own.map((each) => each / most);
    const [a, b, c] = own;
    const across = a * Math.cos(this.yaw) + b * Math.sin(this.yaw);
    const away = -a * Math.sin(this.yaw) + b * Math.cos(this.yaw);
    const rise = c * Math.cos(this.pitch) + away * Math.sin(this.pitch);
    return {
      x: this.width / 2 + across * this.scale, y: this.height / 2 - rise * this.scale,
      depth: away * Math.cos(this.pitch) - c * Math.sin(this.pitch), far,
    };
  }

  draw() {
    this.width = Math.max(this.element.clientWidth, 200);
    this.height = Math.round(Math.min(this.width * 0.82, 420));
    this.scale = (this.zoom * (Math.min(this.width, this.height) / 2 - 24)) / (this.isFixed ? this.space.across : this.space.reach);
    const svg = s("svg", {
      width: this.width, height: this.height, viewBox: `0 0 ${this.width} ${this.height}`, role: "img",
      class: this.isFixed ? "still" : "turns", tabindex: this.isFixed ? null : 0, "data-yaw": this.yaw.toFixed(4), "data-pitch": this.pitch.toFixed(4),
      "aria-label": `the scene ${this.name}${this.isFixed ? "" : "; turn it with the arrow keys"}`,
    });
    this.floor(svg);
    this.paths(svg);
    this.observer(svg);
    if (!this.isFixed) this.stems(svg);
    this.nodes(svg, (at) => this.project(at));
    this.element.replaceChildren(h("figcaption", {}, this.name, this.isFixed ? "" : h("small", {}, " drag to turn, + and − to zoom")), svg);
    if (!this.isFixed) this.listen(svg);
  }

  // A square grid on the floor with round spacing, and how wide a square is.
  floor(svg) {
    const { across, floor } = this.space;
    const [, spacing] = ticks(0, 2 * across, 6);
    const count = Math.ceil(across / spacing);
    const own = (a, b) => this.spot([a, b, floor]);
    for (let line = -count; line <= count; line += 1) {
      for (const ends of [[[line, -count], [line, count]], [[-count, line], [count, line]]]) {
        const [from, to] = ends.map(([a, b]) => own(a * spacing, b * spacing));
        svg.append(s("line", { class: "floor", x1: from.x, y1: from.y, x2: to.x, y2: to.y }));
      }
    }
    if (this.isFixed) svg.append(s("text", { class: "tick", x: 6, y: this.height - 6 }, `a square is ${number(spacing)} ${this.scene.unit} wide`));
  }
  // Of a place in own axes.
  spot([a, b, c]) {
    const across = a * Math.cos(this.yaw) + b * Math.sin(this.yaw);
    const away = -a * Math.sin(this.yaw) + b * Math.cos(this.yaw);
    return { x: this.width / 2 + across * this.scale, y: this.height / 2 - (c * Math.cos(this.pitch) + away * Math.sin(this.pitch)) * this.scale };
  }
  stems(svg) {
    const { reference, reply } = this.scene.frames[this.frame];
    for (const node of [...reference, ...reply]) {
      const at = this.project(node.at);
      if (at.far) continue;
      const [a, b] = this.space.own(node.at);
      const foot = this.spot([a, b, this.space.floor]);
      svg.append(s("line", { class: "stem", x1: at.x, y1: at.y, x2: foot.x, y2: foot.y }));
    }
  }
  // Where each object of the reference goes over the clip.
  paths(svg) {
    const seen = new Map();
    for (const frame of this.scene.frames) {
      for (const node of frame.reference) seen.set(node.id, [...(seen.get(node.id) || []), this.project(node.at)]);
    }
    for (const places of seen.values()) {
      if (places.length > 1) svg.append(s("path", { class: "trail", d: `M${places.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}` }));
    }
  }
  observer(svg) {
    const at = this.scene.frames[this.frame].observer || (this.scene.space === "camera" ? [0, 0, 0] : null);
    if (!at) return;
    const { x, y, far } = this.project(at);
    if (far) return;
    const mark = s("g", { class: "observer", transform: `translate(${x} ${y})` }, s("path", { d: "M-7 -4h9v8h-9zM2 -1l6 -4v10l-6 -4z" }));
    mark.addEventListener("pointermove", (event) => tip.show(event, "camera", [["at", at.map((each) => number(each)).join(", ")]]));
    mark.addEventListener("pointerleave", () => tip.hide());
    svg.append(mark);
  }

  listen(svg) {
    svg.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const from = { x: event.clientX, y: event.clientY, yaw: this.yaw, pitch: this.pitch };
      const move = (next) => this.turn(from.yaw - (next.clientX - from.x) / 120, from.pitch + (next.clientY - from.y) / 160);
      const end = () => {
        removeEventListener("pointermove", move);
        removeEventListener("pointerup", end);
        removeEventListener("pointercancel", end);
      };
      addEventListener("pointermove", move);
      addEventListener("pointerup", end);
      addEventListener("pointercancel", end);
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0.15, 0], ArrowRight: [-0.15, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      const zoom = { "+": 1.2, "=": 1.2, "-": 1 / 1.2 }[event.key];
      if (event.key === "0") Object.assign(this, NEUTRAL);
      if (zoom) this.zoom = Math.min(Math.max(this.zoom * zoom, 0.4), 8);
      if (!step && !zoom && event.key !== "0") return;
      event.preventDefault();
      this.turn(this.yaw + (step ? step[0] : 0), this.pitch + (step ? step[1] : 0));
      this.element.querySelector("svg").focus();
    });
  }
}

// A graph in the picture: y goes down, and the frame of the clip lies behind it where it is known.
class PictureView extends SceneBase {
  constructor(scene, size, hooks) {
    super(scene, hooks, scene.space === "image" ? "in the picture" : "in the plane");
    this.down = scene.space === "image";
    const places = scene.frames.flatMap((frame) => frame.reference.map((node) => node.at));
    const ends = [0, 1].map((axis) => [Math.min(...places.map((at) => at[axis])), Math.max(...places.map((at) => at[axis]))]);
    if (this.down && size) this.ends = scene.unit === "norm" ? [[0, 1], [0, 1]] : [[0, size[0]], [0, size[1]]];
    else {
      const room = 0.15 * Math.max(ends[0][1] - ends[0][0], ends[1][1] - ends[1][0], 0.1 * (scene.scale || 1));
      this.ends = ends.map(([low, high]) => [low - room, high + room]);
    }
    this.shape = scene.unit === "norm" && size ? size : [this.ends[0][1] - this.ends[0][0], this.ends[1][1] - this.ends[1][0]];
    this.behind = Boolean(this.down && size);
    this.picture = null;
  }
  draw() {
    const room = Math.max(this.element.clientWidth, 200);
    const most = 420;
    const scale = Math.min(room / this.shape[0], most / this.shape[1]);
    this.width = Math.max(this.shape[0] * scale, 120);
    this.height = Math.max(this.shape[1] * scale, 120);
    const svg = s("svg", { width: this.width, height: this.height, viewBox: `0 0 ${this.width} ${this.height}`, role: "img", class: "still", "aria-label": `the graph ${this.name}` });
    if (this.picture && this.behind) svg.append(s("image", { href: this.picture, width: this.width, height: this.height, preserveAspectRatio: "none", opacity: 0.75 }));
    svg.append(s("rect", { class: "outline", x: 0.5, y: 0.5, width: this.width - 1, height: this.height - 1 }));
    this.nodes(svg, (at) => this.project(at));
    this.element.replaceChildren(h("figcaption", {}, this.name, this.down ? h("small", {}, " y goes down") : ""), svg);
  }
  project(at) {
    const [right, along] = [0, 1].map((axis) => (at[axis] - this.ends[axis][0]) / (this.ends[axis][1] - this.ends[axis][0]));
    const share = [right, this.down ? along : 1 - along];
    const far = share.some((each) => each < 0 || each > 1);
    const [x, y] = share.map((each) => Math.min(Math.max(each, 0.01), 0.99));
    return { x: x * this.width, y: y * this.height, depth: 0, far };
  }
  // The picture behind, of the frame that is shown.
  back(source) {
    this.picture = source;
    this.draw();
  }
}
