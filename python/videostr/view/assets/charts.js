// Curves, bars of shares and a heat map over the steps, drawn as SVG.

const COLOURS = ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)", "var(--c7)"];
const DASHES = ["", "6 3", "2 3", "8 3 2 3"];
const MARGIN = { right: 12, top: 10, bottom: 20 };
const DOTS = 60; // with more points a line says enough

// Ends of an axis, and ticks at round numbers.
function ticks(low, high, count) {
  const raw = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const sizes = [0.5, 1, 2, 5, 10];
  let size = sizes.findIndex((each) => each * power >= raw * 0.999);
  let found = [];
  do {
    const step = power * sizes[size];
    found = [];
    const first = Math.ceil(low / step - 1e-9) * step;
    // counted, as adding a step to a huge number may not move it
    for (let count = 0; count < 40 && first + count * step <= high + 1e-9 * step; count += 1) found.push(+(first + count * step).toPrecision(12));
    size -= 1;
  } while (found.length < 2 && size >= 0);
  return found;
}

// The exponential moving average without the pull of its start; gaps stay gaps.
function smoothed(values, weight) {
  if (!weight) return values;
  let mean = 0;
  let seen = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = weight * mean + (1 - weight) * value;
    seen += 1;
    return mean / (1 - weight ** seen);
  });
}

const middle = (point) => (point.first + point.last) / 2;

// An SVG that fits its box, with axes, a shared crosshair, and one point under the pointer or the arrow keys.
class Plot {
  constructor(points, { height = 150, label, pick = null, whole = false }) {
    Object.assign(this, { points, height, label, pick, whole });
    this.element = h("div", { class: "plot" });
    this.at = null;
    charts.add(this);
    requestAnimationFrame(() => this.draw());
  }

  frame(low, high) {
    const marks = ticks(low, high, this.height > 180 ? 5 : 3);
    const left = 12 + 6.2 * Math.max(...marks.map((mark) => this.tick(mark).length), 3);
    this.width = Math.max(this.element.clientWidth, 160);
    this.box = { left, right: this.width - MARGIN.right, top: MARGIN.top, bottom: this.height - MARGIN.bottom };
    this.domain = [low, high];
    if (this.wide) this.pad = this.wide() / 2;
    const svg = s("svg", {
      width: this.width, height: this.height, viewBox: `0 0 ${this.width} ${this.height}`, tabindex: 0, role: "img", "aria-label": this.label,
      "data-low": low, "data-high": high, "data-top": this.box.top, "data-bottom": this.box.bottom,
      onpointermove: (event) => this.hover(event), onpointerleave: () => this.leave(),
      onclick: () => this.choose(), onkeydown: (event) => this.key(event), onblur: () => this.leave(),
    });
    for (const tick of marks) {
      svg.append(
        s("line", { class: "grid", x1: this.box.left, x2: this.box.right, y1: this.y(tick), y2: this.y(tick) }),
        s("text", { class: "tick", x: this.box.left - 6, y: this.y(tick) + 3.5, "text-anchor": "end" }, this.tick(tick)));
    }
    const [first, last] = [middle(this.points[0]), middle(this.points[this.points.length - 1])];
    const wanted = Math.max(2, Math.floor(this.width / 110));
    for (const tick of this.points.length > 1 ? ticks(first, last, wanted).filter(Number.isInteger) : [first]) {
      svg.append(s("text", { class: "tick", x: this.x(tick), y: this.height - 5, "text-anchor": "middle" }, number(tick)));
    }
    this.cross = s("line", { class: "cross", y1: this.box.top, y2: this.box.bottom, visibility: "hidden" });
    svg.append(this.cross);
    this.svg = svg;
    this.element.replaceChildren(svg);
    return svg;
  }

  tick(value) {
    return this.whole ? percent(value) : number(value, 3);
  }
  span() {
    const ends = [middle(this.points[0]), middle(this.points[this.points.length - 1])];
    return ends[0] === ends[1] ? [ends[0] - 1, ends[1] + 1] : ends;
  }
  x(step) {
    const [first, last] = this.span();
    const pad = this.pad || 0;
    return this.box.left + pad + ((step - first) / (last - first)) * (this.box.right - this.box.left - 2 * pad);
  }
  y(value) {
    const [low, high] = this.domain;
    const clamped = Math.min(Math.max(value, low), high);
    return this.box.bottom - ((clamped - low) / (high - low || 1)) * (this.box.bottom - this.box.top);
  }

  nearest(clientX) {
    const x = clientX - this.svg.getBoundingClientRect().left;
    let best = 0;
    this.points.forEach((point, place) => {
      if (Math.abs(this.x(middle(point)) - x) < Math.abs(this.x(middle(this.points[best])) - x)) best = place;
    });
    return best;
  }
  hover(event) {
    this.show(this.nearest(event.clientX), event);
  }
  show(place, event) {
    this.at = place;
    for (const chart of charts) if (chart.points === this.points && chart.mark) chart.mark(place);
    tip.show(event, stepsOf(this.points[place]), this.rows(place));
  }
  mark(place) {
    if (!this.cross) return;
    const x = this.x(middle(this.points[place]));
    this.cross.setAttribute("x1", x);
    this.cross.setAttribute("x2", x);
    this.cross.setAttribute("visibility", "visible");
  }
  leave() {
    this.at = null;
    tip.hide();
    for (const chart of charts) if (chart.cross) chart.cross.setAttribute("visibility", "hidden");
  }
  choose() {
    if (this.pick && this.at !== null) this.pick(this.points[this.at]);
  }
  key(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Enter") this.choose();
    if (!move) return;
    event.preventDefault();
    const place = Math.min(Math.max((this.at ?? (move > 0 ? -1 : this.points.length)) + move, 0), this.points.length - 1);
    const area = this.svg.getBoundingClientRect();
    this.show(place, { clientX: area.left + this.x(middle(this.points[place])), clientY: area.top + this.box.top });
  }
}

// Lines with bands. `series()` gives [{name, values, colour, dash, low, high, faint}], `levels()` [{value, label}].
class Lines extends Plot {
  constructor(points, options) {
    super(points, options);
    this.options = options;
  }

  draw() {
    const series = this.options.series();
    const levels = (this.options.levels && this.options.levels()) || [];
    const zones = this.options.zones || [];
    const fixedDomain = this.options.domain && this.options.domain();
    let [low, high] = fixedDomain || [Infinity, -Infinity];
    if (!fixedDomain) {
      for (const each of series) {
        for (const values of [each.values, each.low, each.high]) {
          for (const value of values || []) if (value !== null) [low, high] = [Math.min(low, value), Math.max(high, value)];
        }
      }
      for (const level of levels) [low, high] = [Math.min(low, level.value), Math.max(high, level.value)];
      if (low > high) [low, high] = [0, 1];
      const room = (high - low || Math.abs(high) || 1) * 0.06;
      [low, high] = [low >= 0 && low < 0.4 * high ? 0 : low - room, high + room];
    }
    this.pad = 4;
    const svg = this.frame(low, high);
    for (const zone of zones) {
      svg.append(s("rect", { class: "zone", x: this.box.left, width: this.box.right - this.box.left, y: this.y(zone.high), height: Math.max(0, this.y(zone.low) - this.y(zone.high)) }));
    }
    for (const each of series) {
      if (each.low) {
        const d = this.area(smoothed(each.low, view.smooth), smoothed(each.high, view.smooth));
        svg.append(s("path", { class: "band", d, fill: each.colour, "fill-opacity": each.opacity || 0.16 }));
      }
    }
    for (const level of levels) {
      svg.append(s("line", { class: "level", x1: this.box.left, x2: this.box.right, y1: this.y(level.value), y2: this.y(level.value) }));
      const above = this.y(level.value) - 4 > this.box.top + 6;
      svg.append(s("text", { class: "level-label", x: this.box.left + 4, y: above ? this.y(level.value) - 4 : this.y(level.value) + 11 }, level.label));
    }
    for (const each of series) {
      if (!each.values) continue;
      const line = { fill: "none", stroke: each.colour, "stroke-dasharray": each.dash || null, "data-series": each.name };
      if (view.smooth && !each.faint && series.length < 4) svg.append(s("path", { ...line, class: "line raw", d: this.path(each.values), "data-series": `${each.name} raw` }));
      const values = smoothed(each.values, view.smooth);
      svg.append(s("path", { ...line, class: each.faint ? "line faint" : "line", d: this.path(values) }));
      if (this.points.length <= DOTS && !each.faint) {
        values.forEach((value, place) => {
          if (value === null) return;
          svg.append(s("circle", { class: "dot", cx: this.x(middle(this.points[place])), cy: this.y(value), r: this.points.length > 30 ? 1.6 : 2.6, fill: each.colour, "data-series": each.name, "data-place": place }));
        });
      }
    }
  }

  // Over points without a value the line goes straight on.
  path(values) {
    const known = values.map((value, place) => [place, value]).filter(([, value]) => value !== null);
    return known.length ? `M${known.map(([place, value]) => `${this.x(middle(this.points[place])).toFixed(2)} ${this.y(value).toFixed(2)}`).join("L")}` : "";
  }
  area(low, high) {
    let d = "";
    let run = [];
    const close = () => {
      if (run.length > 1) {
        const x = (place) => this.x(middle(this.points[place])).toFixed(2);
        d += `M${run.map((place) => `${x(place)} ${this.y(high[place]).toFixed(2)}`).join("L")}L${run.slice().reverse().map((place) => `${x(place)} ${this.y(low[place]).toFixed(2)}`).join("L")}Z`;
      }
      run = [];
    };
    low.forEach((value, place) => (value === null || high[place] === null ? close() : run.push(place)));
    close();
    return d;
  }
  rows(place) {
    return this.options.rows ? this.options.rows(place) : this.options.series().filter((each) => each.values).map((each) => [each.name, number(each.values[place], 6), each.colour]);
  }
}

// Bars of shares that add up to one. `parts()` gives [{name, counts, colour}].
class Bars extends Plot {
  constructor(points, options) {
    super(points, { ...options, whole: true });
    this.options = options;
  }

  // Of one bar.
  wide() {
    return Math.min((this.box.right - this.box.left) / this.points.length, 72);
  }
  draw() {
    const parts = this.options.parts();
    const svg = this.frame(0, 1);
    const bar = this.wide();
    this.points.forEach((point, place) => {
      const all = parts.reduce((sum, part) => sum + part.counts[place], 0);
      let from = 0;
      for (const part of parts) {
        const share = all ? part.counts[place] / all : 0;
        if (!share) continue;
        svg.append(s("rect", {
          class: "bar", x: this.x(middle(point)) - bar / 2 + (bar > 6 ? 1 : 0), width: Math.max(bar - (bar > 6 ? 2 : 0), 0.8),
          y: this.y(from + share), height: this.y(from) - this.y(from + share), fill: part.colour, "data-part": part.name, "data-place": place, "data-count": part.counts[place],
        }));
        from += share;
      }
    });
    svg.append(this.cross);
  }
  rows(place) {
    const parts = this.options.parts();
    const all = parts.reduce((sum, part) => sum + part.counts[place], 0);
    return parts.map((part) => [part.name, all ? `${number(part.counts[place])} (${percent(part.counts[place] / all)})` : "–", part.colour]).reverse();
  }
}

// Rows of shares from 0 to 1, darker for more. `rows()` gives [{name, counts}], `all()` the replies of each point.
class Heat extends Plot {
  constructor(points, options) {
    super(points, options);
    this.options = options;
  }

  draw() {
    const names = this.options.names();
    const all = this.options.all();
    this.height = 24 + 18 * Math.max(names.length, 1);
    this.width = Math.max(this.element.clientWidth, 160);
    const left = 118;
    this.box = { left, right: this.width - 52, top: 2, bottom: this.height - 20 };
    const cell = Math.min((this.box.right - left) / this.points.length, 72);
    this.pad = cell / 2;
    const svg = s("svg", {
      width: this.width, height: this.height, viewBox: `0 0 ${this.width} ${this.height}`, tabindex: 0, role: "img", "aria-label": this.label,
      onpointermove: (event) => this.hover(event), onpointerleave: () => this.leave(), onkeydown: (event) => this.key(event), onblur: () => this.leave(),
      onclick: () => this.choose(),
    });
    names.forEach(({ name, counts }, row) => {
      const y = this.box.top + 18 * row;
      const last = counts.reduce((sum, count) => sum + count, 0) / Math.max(1, all.reduce((sum, count) => sum + count, 0));
      svg.append(
        s("text", { class: "tick name", x: left - 8, y: y + 12, "text-anchor": "end" }, name),
        s("text", { class: "tick", x: this.width - 4, y: y + 12, "text-anchor": "end" }, percent(last)));
      counts.forEach((count, place) => {
        const share = all[place] ? count / all[place] : 0;
        svg.append(s("rect", {
          class: "cell", x: this.x(middle(this.points[place])) - cell / 2, width: Math.max(cell - (cell > 6 ? 1.5 : 0), 0.9), y: y + 1, height: 15,
          "fill-opacity": share ? 0.12 + 0.88 * Math.sqrt(share) : 0.04, "data-part": name, "data-place": place, "data-count": count,
        }));
      });
    });
    const wanted = Math.max(2, Math.floor(this.width / 110));
    const [first, end] = [middle(this.points[0]), middle(this.points[this.points.length - 1])];
    for (const tick of this.points.length > 1 ? ticks(first, end, wanted).filter(Number.isInteger) : [first]) {
      svg.append(s("text", { class: "tick", x: this.x(tick), y: this.height - 5, "text-anchor": "middle" }, number(tick)));
    }
    this.cross = s("line", { class: "cross", y1: this.box.top, y2: this.box.bottom, visibility: "hidden" });
    svg.append(this.cross);
    this.svg = svg;
    this.element.replaceChildren(svg);
  }
  rows(place) {
    const all = this.options.all();
    return this.options.names().filter(({ counts }) => counts[place]).map(({ name, counts }) => [name, `${number(counts[place])} (${percent(counts[place] / all[place])})`]);
  }
}

function sparkline(values, domain) {
  const known = values.map((value, place) => [place, value]).filter(([, value]) => value !== null);
  const [width, height] = [96, 24];
  if (!known.length) return h("span", {}, "–");
  let [low, high] = domain || [Math.min(...known.map(([, value]) => value)), Math.max(...known.map(([, value]) => value))];
  if (high === low) [low, high] = [low - 1, high + 1];
  const at = ([place, value]) => `${(2 + (place / Math.max(values.length - 1, 1)) * (width - 4)).toFixed(1)} ${(height - 3 - ((value - low) / (high - low)) * (height - 6)).toFixed(1)}`;
  return s("svg", { class: "spark", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    s("path", { d: `M${known.map(at).join("L")}`, fill: "none" }),
    s("circle", { cx: at(known[known.length - 1]).split(" ")[0], cy: at(known[known.length - 1]).split(" ")[1], r: 2 }));
}

const legend = (parts) => h("div", { class: "legend" }, parts.map(({ name, colour, dash, says }) =>
  h("span", { title: says }, s("svg", { width: 16, height: 10, "aria-hidden": "true" }, dash === undefined
    ? s("rect", { width: 10, height: 10, x: 3, rx: 2, fill: colour })
    : s("line", { x1: 0, x2: 16, y1: 5, y2: 5, stroke: colour, "stroke-width": 2, "stroke-dasharray": dash || null })), name)));
