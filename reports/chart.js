// What every chart shares: the data, time axes, letters for events, patterns and legends.
"use strict";
document.documentElement.classList.add("js");

const report = JSON.parse(document.getElementById("report-data").textContent);
const seconds = ns => ns / 1e9;
const thousands = d3.format(",");
const plural = (n, noun) => thousands(n) + " " + noun + (n === 1 ? "" : "s");
const nodeNames = new Map(report.nodes.map(([id, name]) => [id, name]));
const nodeKinds = new Map(report.nodes.map(([id, , kind]) => [id, kind]));
const nodeName = id => nodeNames.has(id) ? nodeNames.get(id) : "node " + id;
const runEnd = Math.max(seconds(report.until), 1e-6,
  report.series.length ? seconds(report.series[report.series.length - 1][0]) : 0);

// To the microsecond, but no more zeros than a millisecond has.
function instantText(s) {
  const text = s.toFixed(6);
  return (text.endsWith("000") ? text.slice(0, -3) : text) + " s";
}
function durationText(s) {
  const a = Math.abs(s);
  const [unit, name] = a >= 1 ? [1, "s"] : a >= 1e-3 ? [1e-3, "ms"] : a >= 1e-6 ? [1e-6, "us"] : [1e-9, "ns"];
  return parseFloat((s / unit).toPrecision(3)) + " " + name;
}

// About as wide as the browser draws it, without asking the browser for each of a thousand labels.
function textWidth(text) {
  let wide = 0;
  for (const c of text) wide += /[A-Z_@%#&]/.test(c) ? 7.8 : /[il.,:;'| ]/.test(c) ? 3.6 : /[0-9a-z]/.test(c) ? 6.5 : 8;
  return wide;
}

// A group of one unit for the eye: clients on top, brokers, controllers.
const kindOrder = { producer: 0, consumer: 0, admin: 0, client: 0, broker: 1, controller: 2 };
const kindGroup = { 0: "clients", 1: "brokers", 2: "controllers" };
const groupOf = id => kindOrder[nodeKinds.get(id)] === undefined ? 1 : kindOrder[nodeKinds.get(id)];
const nodeOrder = (a, b) => groupOf(a) - groupOf(b) || a - b;

// Letters of faults and marks; the shape and the class say how bad it is.
const faultLetters = {
  kill: "K", power_loss: "P", restart: "R", stop: "S", upgrade: "U", wipe: "W", pause: "Z", resume: "z", isolate: "I", cut: "C",
  heal_link: "h", slow_link: "L", jam: "J", reset: "X", slow_disk: "D", full_disk: "F", disk_error: "E",
  clock_offset: "O", clock_drift: "~"
};
const faultName = kind => kind.replace(/_/g, " ");
const severe = new Set(["kill", "power_loss", "wipe", "disk_error", "full_disk"]);
const faultClass = f => f.ended || ["restart", "resume", "heal_link"].includes(f.kind) ? "quiet"
  : severe.has(f.kind) ? "bad" : "";
const marks = {
  crash: ["X", "bad", "square"], restart: ["R", "quiet", "square"], leader: ["L", "lead", "up"],
  follower: ["F", "quiet", "down"], truncate: ["T", "bad", "diamond"], isr: ["I", "", "circle"],
  high_watermark: ["H", "quiet", "circle"], timer: ["t", "quiet", "circle"], fault: ["!", "bad", "square"]
};
const markNames = {
  leader: "became leader", follower: "became follower", truncate: "truncated its log", isr: "ISR changed",
  high_watermark: "high watermark moved", timer: "timer ran out"
};
const markName = kind => markNames[kind] || kind.replace(/_/g, " ");
const markLook = kind => marks[kind] || ["?", "", "circle"];

const faults = report.ledger.map(([at, kind, nodes, peers, ended, text], index) =>
  ({ at: seconds(at), kind, nodes, peers, ended: ended === 1, text, index }));
const violations = report.violations.map(([tag, at, allowed, property, partition, offset, nodes]) =>
  ({ tag, at: seconds(at), allowed: allowed === 1, property, partition, offset, nodes }));

// A letter in a small shape, centred.
function glyph(parent, letter, look, shape) {
  const g = parent.append("g").attr("class", "glyph " + look);
  if (shape === "circle") g.append("circle").attr("class", "glyph-box").attr("r", 8);
  else g.append("path").attr("class", "glyph-box").attr("d",
    shape === "up" ? "M0,-10L10,7H-10Z" : shape === "down" ? "M0,10L10,-7H-10Z"
      : shape === "diamond" ? "M0,-10L10,0L0,10L-10,0Z" : "M-7.5,-7.5H7.5V7.5H-7.5Z");
  g.append("text").attr("class", "glyph-letter").attr("y", shape === "up" ? 5 : shape === "down" ? 2 : 3.5).text(letter);
  return g;
}

// One set of patterns for the page: what colour says, texture says too.
function definePatterns() {
  const defs = d3.select("body").append("svg").attr("aria-hidden", "true")
    .style("position", "absolute").attr("width", 0).attr("height", 0).append("defs");
  const hatch = (id, colour, gap) => {
    const p = defs.append("pattern").attr("id", id).attr("width", gap).attr("height", gap)
      .attr("patternUnits", "userSpaceOnUse").attr("patternTransform", "rotate(45)");
    p.append("line").attr("y2", gap).style("stroke", `var(${colour})`).attr("stroke-width", gap * .75);
  };
  hatch("hatch-fail", "--fail", 4);
  hatch("hatch-allowed", "--allowed", 5);
  hatch("hatch-down", "--down", 6);
  const dots = (id, colour, gap, r) => {
    const p = defs.append("pattern").attr("id", id).attr("width", gap).attr("height", gap)
      .attr("patternUnits", "userSpaceOnUse");
    p.append("circle").attr("cx", gap / 2).attr("cy", gap / 2).attr("r", r).style("fill", `var(${colour})`);
  };
  dots("dots-info", "--allowed", 4, 1.4);
  dots("dots-out", "--vacuous", 8, 1);
}

function timeAxis(g, x, height) {
  const wide = Math.abs(x.range()[1] - x.range()[0]);
  const count = Math.max(2, Math.floor(wide / 110));
  const [a, b] = x.domain();
  const digits = Math.min(9, d3.precisionFixed(d3.tickStep(a, b, count)));
  g.attr("class", "axis").call(d3.axisBottom(x).ticks(count).tickFormat(s => s.toFixed(digits) + " s").tickSizeOuter(0));
  if (height) {
    g.selectAll(".tick line.grid").remove();
    g.selectAll(".tick").append("line").attr("class", "grid").attr("y2", -height);
  }
}

// A line a violation; tags that would touch are told as one: "V1 +2".
function violationLines(svg, list, x, top, bottom, textY) {
  const [a, b] = x.domain();
  const inside = list.filter(v => v.at >= a && v.at <= b).sort((p, q) => p.at - q.at);
  const groups = [];
  for (const v of inside) {
    svg.append("line").attr("class", "violation-line" + (v.allowed ? " allowed" : "")).attr("x1", x(v.at)).attr("x2", x(v.at)).attr("y1", top).attr("y2", bottom);
    const last = groups[groups.length - 1];
    if (last && x(v.at) - x(last[last.length - 1].at) < 30) last.push(v);
    else groups.push([v]);
  }
  for (const group of groups) {
    const tags = group.map(v => v.tag), mid = (x(group[0].at) + x(group[group.length - 1].at)) / 2;
    const text = tags.length < 3 ? tags.join(" ") : `${tags[0]} +${tags.length - 1}`;
    svg.append("text").attr("class", "violation-name halo" + (group.every(v => v.allowed) ? " allowed" : "")).attr("x", mid).attr("y", textY).attr("text-anchor", "middle").text(text);
  }
}

const clampWindow = (a, b, min, max, least) => {
  let wide = Math.max(b - a, least);
  if (wide >= max - min) return [min, max];
  a = Math.min(Math.max(a, min), max - wide);
  return [a, a + wide];
};

// Zoom by dragging: calls `choose` with a span of x, or nothing for a click.
function dragToZoom(svg, area, x, choose) {
  const box = svg.append("rect").attr("class", "selection").attr("y", area.top).attr("height", area.height)
    .style("display", "none").style("pointer-events", "none");
  const at = event => Math.min(Math.max(d3.clientPoint(svg.node(), event)[0], area.left), area.right);
  svg.on("mousedown.zoom", () => {
    if (d3.event.button !== 0 || d3.event.target.closest("a, button")) return;
    const from = at(d3.event);
    const y = d3.clientPoint(svg.node(), d3.event)[1];
    if (y < area.top || y > area.top + area.height) return;
    d3.event.preventDefault();
    svg.node().focus({ preventScroll: true });
    const view = d3.select(window);
    view.on("mousemove.zoom", () => {
      const to = at(d3.event);
      box.style("display", null).attr("x", Math.min(from, to)).attr("width", Math.abs(to - from));
    }).on("mouseup.zoom", () => {
      view.on("mousemove.zoom", null).on("mouseup.zoom", null);
      box.style("display", "none");
      const to = at(d3.event);
      if (Math.abs(to - from) > 5) choose([Math.min(from, to), Math.max(from, to)].map(x.invert));
    });
  });
}

const element = (name, cls, text) => {
  const made = document.createElement(name);
  if (cls) made.className = cls;
  if (text !== undefined) made.textContent = text;
  return made;
};
function button(text, label, act) {
  const made = element("button", "", text);
  made.type = "button";
  made.setAttribute("aria-label", label);
  made.title = label;
  made.addEventListener("click", act);
  return made;
}
// Names each sample of a legend; `draw` gets an svg of 26 by 14.
function legend(parent, entries) {
  const box = d3.select(parent).append("div").attr("class", "legend");
  for (const [name, draw] of entries) {
    const item = box.append("span");
    draw(item.append("svg").attr("width", 26).attr("height", 18).attr("aria-hidden", "true"));
    item.append("span").text(name);
  }
}
const sampleLine = cls => svg => svg.append("path").attr("class", cls).attr("d", "M1,9H25");
const sampleBox = cls => svg => svg.append("rect").attr("class", cls).attr("x", 2).attr("y", 3).attr("width", 22).attr("height", 12);
const sampleGlyph = (letter, look, shape) => svg => glyph(svg, letter, look, shape).attr("transform", "translate(13,9) scale(.85)");

// The window of the run that overview and partitions show, and who redraws when it moves.
const run = {
  window: [0, runEnd],
  watchers: [],
  show(a, b) {
    this.window = clampWindow(a, b, 0, runEnd, runEnd / 1e6);
    this.watchers.forEach(draw => draw());
  },
  zoom(k) {
    const [a, b] = this.window, mid = (a + b) / 2, half = (b - a) / 2 * k;
    this.show(mid - half, mid + half);
  },
  pan(k) { const [a, b] = this.window; this.show(a + (b - a) * k, b + (b - a) * k); },
  all() { this.show(0, runEnd); }
};
