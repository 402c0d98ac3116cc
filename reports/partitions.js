// A partition over time: each replica's log end and high watermark, who was in sync and who led.
"use strict";

function partitionLegend(host) {
  legend(host, [
    ["log end offset", sampleLine("leo")], ["high watermark", sampleLine("hw")], ["log start", sampleLine("start")],
    ["in the ISR", svg => svg.append("rect").attr("class", "isr").attr("x", 2).attr("y", 3).attr("width", 22).attr("height", 12).style("opacity", .3)],
    ["out of the ISR", sampleBox("out-of-isr")], ["leads (epoch)", sampleBox("epoch leads")], ["follows (epoch)", sampleBox("epoch")],
    ["node down", sampleBox("down")],
    ["truncation", svg => svg.append("path").attr("class", "tooth").attr("d", "M8,3H18L13,15Z")]
  ]);
}

function partition(host, raw) {
  const margin = { left: 108, right: 18 };
  const row = 84, band = 13;
  const truncations = raw.truncations.map(([at, node, from, to, epoch]) => ({ at: seconds(at), node, from, to, epoch }));
  const replicas = raw.replicas.map(([node, points]) => ({
    node, points: points.map(([at, start, end, hw, epoch, flags]) =>
      ({ at: seconds(at), start, end, hw, epoch, leads: (flags & 1) !== 0, isr: (flags & 2) !== 0, up: (flags & 4) !== 0 }))
  })).sort((p, q) => p.node - q.node);
  const here = violations.filter(v => v.partition === raw.name);
  if (raw.shown < raw.total) host.appendChild(element("p", "banner", `showing ${thousands(raw.shown)} of ${plural(raw.total, "change")}; steps between are left out, turns of leader, ISR and log are not`));
  const chart = host.appendChild(element("div", "chart"));
  const svg = d3.select(chart).append("svg").attr("tabindex", 0).attr("role", "img")
    .attr("aria-label", `${raw.name}: ${replicas.map(r => nodeName(r.node)).join(", ")}, ${plural(truncations.length, "truncation")}`);
  const readout = chart.appendChild(element("p", "readout"));

  // Stretches over which `key` stays the same.
  const stretches = (points, key) => {
    const list = [];
    points.forEach((p, i) => {
      const until = i + 1 < points.length ? points[i + 1].at : runEnd, last = list[list.length - 1];
      if (last && key(last.point) === key(p)) last.until = until;
      else list.push({ from: p.at, until, point: p });
    });
    return list;
  };

  function draw() {
    const width = Math.max(chart.clientWidth, 320);
    const [a, b] = run.window;
    const x = d3.scaleLinear().domain([a, b]).range([margin.left, width - margin.right]);
    const top = 20, bottom = top + replicas.length * (row + 10);
    const clipId = "clip-partition-" + host.dataset.index;
    svg.selectAll("*").remove();
    timeAxis(svg.append("g").attr("transform", `translate(0,${bottom})`), x, bottom - top);
    // Offsets within the window, one scale for all replicas so that heights compare.
    let low = Infinity, high = -Infinity;
    for (const { points } of replicas) points.forEach((p, i) => {
      const until = i + 1 < points.length ? points[i + 1].at : runEnd;
      if (until < a || p.at > b) return;
      low = Math.min(low, p.start, p.hw < 0 ? p.start : p.hw), high = Math.max(high, p.end);
    });
    for (const t of truncations) if (t.at >= a && t.at <= b) high = Math.max(high, t.from), low = Math.min(low, t.to);
    const floor = d3.min(replicas, r => d3.min(r.points.filter((p, i) => (i + 1 < r.points.length ? r.points[i + 1].at : runEnd) >= a && p.at <= b), p => Math.min(p.end, Math.max(p.hw, 0))));
    if (b - a < runEnd && floor !== undefined) low = Math.max(low, floor);
    if (!(high > low)) { low = Math.min(low, high) || 0; high = low + 1; }
    replicas.forEach((replica, i) => {
      const y0 = top + i * (row + 10), plotTop = y0 + band + 5, plotEnd = y0 + row;
      const v = d3.scaleLinear().domain([low, high]).range([plotEnd, plotTop]);
      const name = svg.append("text").attr("class", "panel-name").attr("x", 0).attr("y", y0 + 11).text(nodeName(replica.node));
      if (name.node().getComputedTextLength && name.node().getComputedTextLength() > 100) name.attr("textLength", 98).attr("lengthAdjust", "spacingAndGlyphs");
      const ticks = v.ticks(3).filter(Number.isInteger);
      svg.append("g").attr("class", "axis").attr("transform", `translate(${margin.left},0)`).call(d3.axisLeft(v).tickValues(ticks).tickFormat(thousands).tickSize(-(width - margin.left - margin.right)))
        .call(q => q.select(".domain").remove());
      svg.append("clipPath").attr("id", `${clipId}-${i}`).append("rect").attr("x", margin.left).attr("width", width - margin.left - margin.right).attr("y", y0).attr("height", row + 1);
      const g = svg.append("g").attr("clip-path", `url(#${clipId}-${i})`);
      const seen = s => s.until >= a && s.from <= b;
      const wide = s => Math.max(.5, x(s.until) - x(s.from));
      g.selectAll("rect.member").data(stretches(replica.points, p => p.isr).filter(seen)).enter().append("rect").attr("class", s => s.point.isr ? "isr" : "out-of-isr")
        .attr("x", s => x(s.from)).attr("width", wide).attr("y", plotTop - 2).attr("height", plotEnd - plotTop + 2);
      g.selectAll("rect.off").data(stretches(replica.points, p => p.up).filter(s => seen(s) && !s.point.up)).enter().append("rect").attr("class", "down")
        .attr("x", s => x(s.from)).attr("width", wide).attr("y", y0).attr("height", plotEnd - y0).style("opacity", .8);
      const epochs = stretches(replica.points.map(p => p), p => (p.up ? p.epoch : -9) * 2 + (p.leads && p.up ? 1 : 0)).filter(s => seen(s) && s.point.up);
      g.selectAll("rect.epoch").data(epochs).enter().append("rect").attr("class", s => "epoch" + (s.point.leads ? " leads" : "")).attr("x", s => x(s.from)).attr("width", wide).attr("y", y0).attr("height", band);
      for (const s of epochs) {
        const text = (s.point.leads ? "leader " : "") + "e" + s.point.epoch, from = Math.max(x(s.from), margin.left), room = Math.min(x(s.until), width) - from;
        const fits = text.length * 6 + 6 <= room ? text : "e" + s.point.epoch;
        if (fits.length * 6 + 6 <= room) g.append("text").attr("class", "epoch-name" + (s.point.leads ? " leads" : "")).attr("x", from + 4).attr("y", y0 + 10).text(fits);
      }
      const line = key => d3.line().defined(p => p.up && p[key] >= 0).x(p => x(p.at)).y(p => v(p[key])).curve(d3.curveStepAfter);
      // A state holds until the next one: to the crash, and to the end of the run.
      const points = [];
      replica.points.forEach((p, k) => {
        const next = replica.points[k + 1];
        points.push(p);
        if (!next || (p.up && !next.up)) points.push({ ...p, at: next ? next.at : runEnd });
      });
      for (const [key, cls] of [["start", "start"], ["hw", "hw"], ["end", "leo"]]) g.append("path").attr("class", cls).attr("d", line(key)(points));
      g.append("line").attr("class", "row-line").attr("x1", margin.left).attr("x2", width).attr("y1", plotEnd).attr("y2", plotEnd);
      // A truncation bites from the old log end down to the new one.
      for (const t of truncations) {
        if (t.node !== replica.node || t.at < a || t.at > b) continue;
        const y1 = v(t.from), y2 = Math.max(v(t.to), y1 + 7);
        g.append("path").attr("class", "tooth").attr("d", `M${x(t.at) - 5},${y1}h10L${x(t.at)},${y2}Z`).append("title").text(`${nodeName(t.node)} truncates from ${thousands(t.from)} to ${thousands(t.to)}, leader epoch ${t.epoch}, ${instantText(t.at)}`);
        g.append("text").attr("class", "halo").attr("x", x(t.at) + 8).attr("y", Math.max(y1 + 9, plotTop + 8)).style("fill", "var(--fail)").style("font-weight", 600).text(`T ${thousands(t.from)}\u2192${thousands(t.to)}`);
      }
    });
    violationLines(svg, here, x, top - 4, bottom, top - 7);
    const cursor = svg.append("line").attr("class", "cursor").attr("y1", top).attr("y2", bottom).style("display", "none");
    svg.attr("viewBox", `0 0 ${width} ${bottom + 24}`).attr("height", bottom + 24);
    dragToZoom(svg, { left: margin.left, right: width - margin.right, top, height: bottom - top }, x, ([from, to]) => run.show(from, to));
    svg.on("mousemove.read", () => {
      const at = x.invert(d3.mouse(svg.node())[0]);
      if (at < a || at > b) return;
      cursor.style("display", null).attr("x1", x(at)).attr("x2", x(at));
      const bits = replicas.map(r => {
        const p = r.points[Math.max(0, d3.bisector(q => q.at).right(r.points, at) - 1)];
        if (!p) return "";
        return `${nodeName(r.node)}: ${!p.up ? "down" : `${p.leads ? "leader" : "follower"} epoch ${p.epoch}, log end ${thousands(p.end)}, high watermark ${thousands(p.hw)}${p.isr ? "" : ", out of the ISR"}`}`;
      });
      readout.textContent = `${instantText(at)} \u2014 ${bits.join("; ")}`;
    }).on("mouseleave.read", () => { cursor.style("display", "none"); readout.textContent = ""; });
  }
  draw();
  return { draw };
}
