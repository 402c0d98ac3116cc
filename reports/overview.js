// The whole run on one time axis: faults a node, sends by outcome, latency, availability.
"use strict";

// A fault lasts until its end is recorded, its node restarts, or the run is over.
function faultSpans() {
  const closes = {
    kill: ["restart"], stop: ["restart"], power_loss: ["restart"], wipe: ["restart"], pause: ["resume"],
    isolate: ["heal_link"], cut: ["heal_link"]
  };
  const spans = [];
  const rows = new Map();
  for (const fault of faults) {
    for (const node of fault.nodes.length ? fault.nodes : [-1]) {
      if (!rows.has(node)) rows.set(node, []);
      const open = rows.get(node);
      for (const span of open) {
        const ends = fault.ended ? span.kind === fault.kind : (closes[span.kind] || []).includes(fault.kind);
        if (span.until === null && ends) span.until = fault.at;
      }
      const point = ["restart", "resume", "heal_link", "reset", "clock_offset", "clock_drift"];
      if (fault.ended || point.includes(fault.kind)) continue;
      const lasting = closes[fault.kind] || faults.some(f => f.ended && f.kind === fault.kind);
      if (!lasting) continue;
      const span = { node, kind: fault.kind, from: fault.at, until: null };
      open.push(span);
      spans.push(span);
    }
  }
  for (const span of spans) if (span.until === null) span.until = runEnd;
  return { spans, nodes: [...rows.keys()].sort(nodeOrder) };
}

function overview(host) {
  const margin = { left: 108, right: 18 };
  const { spans, nodes } = faultSpans();
  const series = report.series.map(([at, ok, fail, info, read, p50, p99, max]) =>
    ({ at: seconds(at), ok, fail, info, read, p50: seconds(p50), p99: seconds(p99), max: seconds(max) }));
  const gaps = report.gaps.map(([partition, kind, from, until]) =>
    ({ partition, kind, from: seconds(from), until: Math.min(seconds(until), runEnd) }));
  const longest = new Map();
  for (const gap of gaps) longest.set(gap.partition, Math.max(longest.get(gap.partition) || 0, gap.until - gap.from));
  const gapRows = [...longest.keys()].sort((a, b) => longest.get(b) - longest.get(a) || (a < b ? -1 : 1)).slice(0, 8);
  const bucket = series.length > 1 ? series[1].at - series[0].at : runEnd;

  host.className = "chart js-only";
  const tools = host.appendChild(element("div", "tools"));
  const status = tools.appendChild(element("span", "grow"));
  tools.append(button("\u2212", "zoom out (-)", () => run.zoom(2)), button("+", "zoom in (+)", () => run.zoom(.5)),
    button("all", "the whole run (0)", () => run.all()));
  const banners = [];
  if (report.ledgerTotal > faults.length) banners.push(`showing ${thousands(faults.length)} of ${plural(report.ledgerTotal, "fault")}; result.json has all`);
  if (report.gapsTotal > gaps.length) banners.push(`showing ${thousands(gaps.length)} of ${plural(report.gapsTotal, "availability gap")}`);
  if (longest.size > gapRows.length) banners.push(`showing the ${gapRows.length} partitions of ${longest.size} with the longest gaps`);
  if (report.seriesJoined > 1) banners.push(`each step joins ${report.seriesJoined} buckets: counts are sums, latencies the worst`);
  for (const text of banners) host.appendChild(element("p", "banner", text));
  const svg = d3.select(host).append("svg").attr("tabindex", 0).attr("role", "img")
    .attr("aria-label", `Overview of ${durationText(runEnd)}: ${plural(faults.length, "fault")}, ${plural(violations.length, "violation")}`);
  const readout = host.appendChild(element("p", "readout"));
  const used = [...new Set(faults.map(f => f.kind))];
  legend(host, [
    ...used.map(kind => [faultName(kind), sampleGlyph(faultLetters[kind] || "?", severe.has(kind) ? "bad" : ["restart", "resume", "heal_link"].includes(kind) ? "quiet" : "", "square")]),
    ...(spans.length ? [["node down", sampleBox("fault-span")]] : []),
    ...(series.length ? [["acknowledged", sampleBox("s-ok")], ["failed", sampleBox("s-fail")], ["unknown", sampleBox("s-info")],
      ["records read", sampleLine("reads")], ["median latency", sampleLine("p50")], ["99th percentile", sampleLine("p99")]] : []),
    ...(gaps.length ? [["no leader", sampleBox("gap-leader")], ["under min ISR", sampleBox("gap-isr")]] : [])
  ]);

  let layoutWidth = 0;
  function draw() {
    const width = Math.max(host.clientWidth - 24, 320);
    layoutWidth = width;
    const [a, b] = run.window;
    const x = d3.scaleLinear().domain([a, b]).range([margin.left, width - margin.right]);
    const all = d3.scaleLinear().domain([0, runEnd]).range(x.range());
    svg.selectAll("*").remove();
    let y = 18;
    // Panels are named at the left edge, rows beside the plot: neither meets the labels of an axis.
    const name = (text, top, soft) => svg.append("text").attr("x", soft ? margin.left - 10 : 0).attr("y", top)
      .attr("text-anchor", soft ? "end" : "start").attr("class", soft ? "soft-text" : "panel-name").text(text);
    const clip = svg.append("clipPath").attr("id", "overview-clip").append("rect")
      .attr("x", margin.left).attr("width", width - margin.left - margin.right);
    const seen = (from, until) => until >= a && from <= b;
    const panel = () => svg.append("g").attr("clip-path", "url(#overview-clip)");

    // The run at a glance: where the window is, and where it happens.
    const glance = svg.append("g");
    name("whole run", y + 12, true);
    glance.append("rect").attr("x", margin.left).attr("y", y).attr("width", width - margin.left - margin.right).attr("height", 16).style("fill", "var(--faint)");
    glance.selectAll("line.f").data(faults).enter().append("line").attr("class", "fault-line").attr("x1", f => all(f.at)).attr("x2", f => all(f.at)).attr("y1", y).attr("y2", y + 16).style("opacity", .8);
    glance.selectAll("path").data(violations).enter().append("path").attr("transform", v => `translate(${all(v.at)},${y})`)
      .attr("d", "M-4,-6H4L0,1Z").style("fill", v => v.allowed ? "var(--allowed)" : "var(--fail)");
    const brush = d3.brushX().extent([[margin.left, y], [width - margin.right, y + 16]]);
    const brushed = glance.append("g").attr("class", "brush").call(brush);
    brushed.call(brush.move, [all(a), all(b)]);
    brush.on("end", () => {
      if (!d3.event.sourceEvent) return;
      if (!d3.event.selection) return run.all();
      const [from, to] = d3.event.selection.map(all.invert);
      run.show(from, to);
    });
    y += 16 + 26;
    const top = y;

    // Faults: a row a node.
    if (faults.length) {
      name("faults", y - 6);
      y += 4;
      const g = panel();
      const rowOf = new Map(nodes.map((node, i) => [node, y + i * 22]));
      for (const node of nodes) {
        name(node === -1 ? "cluster" : nodeName(node), rowOf.get(node) + 13, true);
        g.append("line").attr("class", "lane").attr("x1", margin.left).attr("x2", width).attr("y1", rowOf.get(node) + 9).attr("y2", rowOf.get(node) + 9);
      }
      g.selectAll("rect.span").data(spans.filter(s => seen(s.from, s.until))).enter().append("rect")
        .attr("class", s => "fault-span" + (severe.has(s.kind) ? "" : " minor")).attr("x", s => x(s.from)).attr("width", s => Math.max(1, x(s.until) - x(s.from)))
        .attr("y", s => rowOf.get(s.node) + 5).attr("height", 8);
      const shown = [];
      for (const fault of faults) {
        if (!seen(fault.at, fault.at)) continue;
        for (const node of fault.nodes.length ? fault.nodes : [-1]) shown.push({ fault, node });
      }
      const glyphs = g.selectAll("g.fault").data(shown).enter().append("g").attr("class", d => "fault" + (d.fault.index === chosenFault ? " chosen" : ""))
        .attr("data-fault", d => d.fault.index)
        .attr("transform", d => `translate(${x(d.fault.at)},${rowOf.get(d.node) + 9})`);
      glyphs.each(function (d) { glyph(d3.select(this), faultLetters[d.fault.kind] || "?", faultClass(d.fault), "square"); });
      glyphs.append("title").text(d => `${instantText(d.fault.at)} ${d.fault.text}`);
      glyphs.style("cursor", "pointer").on("click", d => chooseFault(d.fault.index, false));
      y += nodes.length * 22 + 26;
    }

    // Sends by outcome, stacked steps.
    if (series.length) {
      const height = 96;
      name("sends", y - 6);
      name("per second", y + 8).attr("class", "soft-text").attr("x", 0).attr("text-anchor", "start");
      const near = series.filter(s => seen(s.at, s.at + bucket));
      const highest = d3.max(near, s => Math.max(s.ok + s.fail + s.info, s.read) / bucket) || 1;
      const v = d3.scaleLinear().domain([0, highest]).nice(3).range([y + height, y]);
      svg.append("g").attr("class", "axis").attr("transform", `translate(${margin.left},0)`).call(d3.axisLeft(v).ticks(3).tickFormat(thousands).tickSize(-(width - margin.left - margin.right)))
        .call(g => g.select(".domain").remove());
      const g = panel();
      const steps = (low, high) => {
        const area = d3.area().x(p => x(p[0])).y0(p => v(p[1])).y1(p => v(p[2])).curve(d3.curveStepAfter);
        const points = near.map(s => [s.at, low(s) / bucket, high(s) / bucket]);
        if (points.length) { const last = points[points.length - 1]; points.push([last[0] + bucket, last[1], last[2]]); }
        return area(points);
      };
      g.append("path").attr("class", "s-ok").attr("d", steps(() => 0, s => s.ok));
      g.append("path").attr("class", "s-info").attr("d", steps(s => s.ok, s => s.ok + s.info));
      g.append("path").attr("class", "s-fail").attr("d", steps(s => s.ok + s.info, s => s.ok + s.info + s.fail));
      const readLine = d3.line().x(p => x(p[0])).y(p => v(p[1])).curve(d3.curveStepAfter);
      g.append("path").attr("class", "reads").attr("d", readLine([...near, ...near.slice(-1).map(s => ({ at: s.at + bucket, read: s.read }))].map(s => [s.at, s.read / bucket])));
      y += height + 28;

      const timed = near.filter(s => s.p50 >= 0);
      if (timed.length) {
        const tall = 86;
        name("latency", y - 6);
        name("log scale", y + 8).attr("class", "soft-text").attr("x", 0).attr("text-anchor", "start");
        const low = d3.min(timed, s => s.p50), high = d3.max(timed, s => Math.max(s.p99, s.max));
        const from = Math.pow(10, Math.floor(Math.log10(Math.max(low, 1e-9)))), until = Math.pow(10, Math.ceil(Math.log10(Math.max(high, low * 1.01, 1e-9))));
        const l = d3.scaleLog().domain([from, until]).range([y + tall, y]);
        const decades = d3.range(Math.round(Math.log10(from)), Math.round(Math.log10(until)) + 1).map(e => Math.pow(10, e));
        svg.append("g").attr("class", "axis").attr("transform", `translate(${margin.left},0)`)
          .call(d3.axisLeft(l).tickValues(decades).tickFormat(durationText).tickSize(-(width - margin.left - margin.right))).call(q => q.select(".domain").remove());
        const h = panel();
        const path = key => d3.line().defined(s => s[key] >= 0).x(s => x(s.at + bucket / 2)).y(s => l(Math.max(s[key], from))).curve(d3.curveMonotoneX)(near);
        h.append("path").attr("class", "p99").attr("d", path("p99"));
        h.append("path").attr("class", "p50").attr("d", path("p50"));
        h.selectAll("circle").data(timed.filter(s => s.max >= 0)).enter().append("circle").attr("class", "top").attr("r", 1.6).attr("cx", s => x(s.at + bucket / 2)).attr("cy", s => l(s.max));
        y += tall + 28;
      }
    }

    if (gapRows.length) {
      name("availability", y - 6);
      y += 4;
      const g = panel();
      gapRows.forEach((partition, i) => name(partition.length > 15 ? partition.slice(0, 14) + "\u2026" : partition, y + i * 18 + 11, true));
      g.selectAll("rect").data(gaps.filter(d => gapRows.includes(d.partition) && seen(d.from, d.until))).enter().append("rect")
        .attr("class", d => d.kind === "no leader" ? "gap-leader" : "gap-isr").attr("x", d => x(d.from)).attr("width", d => Math.max(1.5, x(d.until) - x(d.from)))
        .attr("y", d => y + gapRows.indexOf(d.partition) * 18 + (d.kind === "no leader" ? 2 : 5)).attr("height", d => d.kind === "no leader" ? 13 : 7)
        .append("title").text(d => `${d.partition} ${d.kind} ${durationText(d.until - d.from)} from ${instantText(d.from)}`);
      y += gapRows.length * 18 + 8;
    }
    const bottom = y;
    timeAxis(svg.append("g").attr("transform", `translate(0,${bottom})`), x);
    clip.attr("y", top - 24).attr("height", bottom - top + 26);

    const under = svg.insert("g", "g").attr("clip-path", "url(#overview-clip)");
    under.selectAll("line").data(faults.filter(f => seen(f.at, f.at))).enter().append("line").attr("class", "fault-line")
      .attr("x1", f => x(f.at)).attr("x2", f => x(f.at)).attr("y1", top).attr("y2", bottom);
    violationLines(svg, violations, x, top - 10, bottom, top - 13);
    const cursor = svg.append("line").attr("class", "cursor").attr("y1", top).attr("y2", bottom).style("display", "none");
    svg.attr("viewBox", `0 0 ${width} ${bottom + 26}`).attr("height", bottom + 26);
    status.textContent = b - a >= runEnd ? `all ${durationText(runEnd)}` : `${instantText(a)} to ${instantText(b)} (${durationText(b - a)} of ${durationText(runEnd)})`;
    dragToZoom(svg, { left: margin.left, right: width - margin.right, top, height: bottom - top }, x, ([from, to]) => run.show(from, to));
    svg.on("mousemove.read", () => {
      const at = x.invert(d3.mouse(svg.node())[0]);
      if (at < a || at > b) return svg.on("mouseleave.read")();
      cursor.style("display", null).attr("x1", x(at)).attr("x2", x(at));
      const s = series[Math.max(0, d3.bisector(p => p.at).right(series, at) - 1)];
      const bits = [];
      if (s) {
        bits.push(`${thousands(s.ok)} acknowledged, ${thousands(s.fail)} failed, ${thousands(s.info)} unknown, ${plural(s.read, "record")} read in ${durationText(bucket)}`);
        if (s.p50 >= 0) bits.push(`median ${durationText(s.p50)}, 99th percentile ${durationText(s.p99)}, slowest ${durationText(s.max)}`);
      }
      for (const gap of gaps) if (gap.from <= at && at < gap.until && bits.length < 6) bits.push(`${gap.partition} ${gap.kind}`);
      readout.textContent = `${instantText(at)}: ${bits.join("; ")}`;
    }).on("mouseleave.read", () => { cursor.style("display", "none"); readout.textContent = ""; });
  }
  run.watchers.push(draw);
  draw();
  return { draw, get width() { return layoutWidth; } };
}

// The fault that f and F stepped to; its row and its letters are marked.
let chosenFault = -1;
function chooseFault(index, scroll) {
  chosenFault = index;
  document.querySelectorAll("tr.chosen").forEach(row => row.classList.remove("chosen"));
  d3.selectAll("g.fault").classed("chosen", function () { return this.dataset.fault === String(index); });
  const row = document.getElementById("F" + (index + 1));
  if (row) row.classList.add("chosen");
  const [a, b] = run.window, at = faults[index].at;
  if (at < a || at > b) run.show(at - (b - a) / 2, at + (b - a) / 2);
  const readout = document.querySelector("#overview-chart .readout");
  if (readout) readout.textContent = `fault ${index + 1} of ${faults.length}, ${instantText(at)}: ${faults[index].text}`;
  if (!scroll) return;
  const chart = document.getElementById("overview-chart");
  (chart || row).scrollIntoView({ block: "nearest" });
}
