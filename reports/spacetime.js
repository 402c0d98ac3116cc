// Who told whom what around a violation: a lane a node, an arrow a message, a letter a happening.
"use strict";

const drawnAtMost = 800;

function unpackSlice(raw) {
  let at = raw.from;
  const messages = raw.messages.map(([id, later, took, from, to, kind, error, detail], index) => {
    at += later;
    return {
      id, index, from, to, kind: report.kinds[kind], error: error === 1, detail, sent: seconds(at),
      received: took < 0 ? null : seconds(at + took)
    };
  });
  for (const m of messages) {
    m.reply = /Response$/.test(m.kind);
    m.noise = !m.error && m.received !== null && /Heartbeat|Fetch/.test(m.kind);
    m.text = `${m.kind} ${m.detail} ${nodeName(m.from)} ${nodeName(m.to)}`.toLowerCase();
  }
  return {
    tag: raw.violation, from: seconds(raw.from), until: seconds(raw.until), messages, total: raw.total, marksTotal: raw.marksTotal,
    marks: raw.marks.map(([when, node, kind, text]) => ({ at: seconds(when), node, kind, text }))
  };
}

// A node is down from its crash to its restart; the first mark tells about the time before.
function downSpans(slice) {
  const spans = [];
  const since = new Map();
  for (const mark of slice.marks) {
    if (mark.kind === "crash") since.set(mark.node, mark.at);
    if (mark.kind === "restart") {
      spans.push({ node: mark.node, from: since.has(mark.node) ? since.get(mark.node) : slice.from, until: mark.at });
      since.delete(mark.node);
    }
  }
  for (const [node, from] of since) spans.push({ node, from, until: slice.until });
  return spans;
}

const shortKind = kind => kind.replace(/Request$/, "").replace(/Response$/, " reply");

function spacetime(host, raw) {
  const slice = unpackSlice(raw);
  const violation = violations.find(v => v.tag === slice.tag);
  const down = downSpans(slice);
  const ids = new Set(violation ? violation.nodes : []);
  for (const m of slice.messages) ids.add(m.from).add(m.to);
  for (const m of slice.marks) ids.add(m.node);
  const lanes = [...ids].filter(id => id !== -1).sort(nodeOrder);
  const margin = { left: 118, right: 22, top: 34 };
  const lane = lanes.length > 12 ? 40 : 58;
  const least = Math.max((slice.until - slice.from) / 1e5, 1e-7);
  let noise = slice.messages.length <= 150;
  let filter = "";
  let chosen = null;
  let view = [slice.from, slice.until];
  if (violation && slice.messages.length > 300) {
    const calm = slice.messages.filter(m => !m.noise);
    const near = d3.bisector(m => m.sent).left(calm, violation.at);
    if (calm.length) view = [calm[Math.max(0, near - 80)].sent, Math.max(calm[Math.min(calm.length - 1, near + 40)].sent, violation.at)];
    view = clampWindow(view[0], view[1] + (view[1] - view[0]) * .05, slice.from, slice.until, least);
  }
  const first = view;

  host.className = "spacetime chart js-only";
  const tools = host.appendChild(element("div", "tools"));
  const status = tools.appendChild(element("span", "grow"));
  const search = element("input");
  search.type = "search";
  search.placeholder = "filter messages";
  search.setAttribute("aria-label", "filter the messages");
  search.addEventListener("input", () => { filter = search.value.toLowerCase(); draw(); });
  const toggle = element("label", "toggle");
  const box = element("input");
  box.type = "checkbox";
  box.checked = noise;
  box.addEventListener("change", () => { noise = box.checked; draw(); });
  toggle.append(box, "heartbeats and fetches");
  tools.append(toggle, search, button("\u2212", "zoom out (-)", () => zoom(2)), button("+", "zoom in (+)", () => zoom(.5)),
    button("fit", "the whole span (0)", () => show(slice.from, slice.until)));
  const held = host.appendChild(element("p", "banner"));
  const svg = d3.select(host).append("svg").attr("tabindex", 0).attr("role", "group").attr("aria-label", `Messages around ${slice.tag}: ${lanes.map(nodeName).join(", ")}. j and k step through them.`);
  const detail = host.appendChild(element("div", "detail"));
  detail.setAttribute("role", "status");
  const marksUsed = [...new Set(slice.marks.map(m => m.kind))].sort();
  legend(host, [
    ["request", svg1 => svg1.append("g").attr("class", "message").call(g => { g.append("path").attr("class", "line").attr("d", "M1,9H19"); g.append("path").attr("class", "head").attr("d", "M18,5L26,9L18,13Z"); })],
    ["reply", svg1 => svg1.append("g").attr("class", "message reply").call(g => { g.append("path").attr("class", "line").attr("d", "M1,9H18"); g.append("path").attr("class", "head").attr("d", "M18,5L25,9L18,13Z"); })],
    ["error", svg1 => svg1.append("g").attr("class", "message bad").call(g => { g.append("path").attr("class", "line").attr("d", "M1,9H19"); g.append("path").attr("class", "head").attr("d", "M18,5L26,9L18,13Z"); })],
    ["lost or not arrived", svg1 => svg1.append("g").attr("class", "message lost").call(g => { g.append("path").attr("class", "line").attr("d", "M1,9H20"); g.append("path").attr("class", "cross").attr("d", "M17,5L25,13M25,5L17,13"); })],
    ...(down.length ? [["node down", sampleBox("down")]] : []),
    ...marksUsed.map(kind => [markName(kind), sampleGlyph(...markLook(kind))])
  ]);

  const laneY = new Map();
  let bottom = margin.top;
  let groupBefore = -1;
  for (const id of lanes) {
    if (groupBefore !== -1 && groupOf(id) !== groupBefore) bottom += 16;
    groupBefore = groupOf(id);
    laneY.set(id, bottom + lane / 2);
    bottom += lane;
  }
  bottom += 6;

  const wanted = () => slice.messages.filter(m => (noise || !m.noise) && (!filter || m.text.includes(filter)));
  const ends = m => m.received === null ? m.sent : m.received;
  function show(a, b) { view = clampWindow(a, b, slice.from, slice.until, least); draw(); }
  function zoom(k) {
    const mid = chosen && chosen.sent >= view[0] && chosen.sent <= view[1] ? chosen.sent : (view[0] + view[1]) / 2;
    const ratio = (mid - view[0]) / (view[1] - view[0]), wide = (view[1] - view[0]) * k;
    show(mid - wide * ratio, mid + wide * (1 - ratio));
  }
  function pan(k) { show(view[0] + (view[1] - view[0]) * k, view[1] + (view[1] - view[0]) * k); }

  function describe(m) {
    detail.textContent = "";
    if (!m) {
      detail.appendChild(element("p", "soft", "Point at a message or a letter, or press j, for what it says."));
      return;
    }
    const head = detail.appendChild(element("p"));
    if (m.node !== undefined) {
      head.append(element("b", "", markName(m.kind)), ` at ${nodeName(m.node)}, ${instantText(m.at)}`);
      detail.appendChild(element("p", "", m.text));
      return;
    }
    head.append(element("b", "", m.kind), m.from === m.to ? ` at ${nodeName(m.from)}` : ` from ${nodeName(m.from)} to ${nodeName(m.to)}`);
    if (m.error) head.append(element("b", "badge fail", " error"));
    const when = m.received === null ? `sent ${instantText(m.sent)}, lost with its connection or still under way`
      : `sent ${instantText(m.sent)}, received ${instantText(m.received)}, ${durationText(m.received - m.sent)} on the way`;
    detail.appendChild(element("p", "soft", `${when}; event ${thousands(m.id)}`));
    detail.appendChild(element("p", "", m.detail));
  }
  function choose(m, focus) {
    chosen = m;
    if (m && (m.sent < view[0] || m.sent > view[1])) {
      const wide = view[1] - view[0];
      show(m.sent - wide / 2, m.sent + wide / 2);
    } else {
      draw();
    }
    describe(m);
    if (focus && m) {
      const node = svg.select(".message.chosen").node();
      if (node) node.focus({ preventScroll: true });
    }
  }
  // j and k: along the messages that the filter lets through; the first step starts in the window.
  function step(by) {
    const list = wanted();
    if (!list.length) return;
    let i = chosen ? list.indexOf(chosen) : -1;
    if (i < 0) i = d3.bisector(m => m.sent).left(list, view[0]) - (by > 0 ? 1 : 0);
    choose(list[Math.min(Math.max(i + by, 0), list.length - 1)], true);
  }
  // m: the nearest message of the same exchange in the other direction.
  function partner() {
    if (!chosen) return;
    const other = chosen.reply ? chosen.kind.replace(/Response$/, "Request") : chosen.kind.replace(/Request$/, "Response");
    const fits = slice.messages.filter(m => m.kind === other && m.from === chosen.to && m.to === chosen.from &&
      (chosen.reply ? ends(m) <= chosen.sent : m.sent >= ends(chosen)));
    const found = chosen.reply ? fits[fits.length - 1] : fits[0];
    if (found) { if (found.noise && !noise) box.checked = noise = true; choose(found, true); }
  }

  // Letters on the lanes; those that would hide each other are stacked, then counted.
  function placeMarks(x) {
    const tops = new Map();
    const placed = [];
    for (const mark of slice.marks) {
      if (mark.at < view[0] || mark.at > view[1] || !laneY.has(mark.node)) continue;
      if (!noise && ["timer", "high_watermark"].includes(mark.kind)) continue;
      const last = tops.get(mark.node);
      if (!last || x(mark.at) - last.at >= 19) {
        tops.set(mark.node, { mark, at: x(mark.at), level: 0, more: 0 });
        placed.push(tops.get(mark.node));
      } else if (last.level < 2 && !last.more) {
        tops.set(mark.node, { mark, at: last.at, level: last.level + 1, more: 0 });
        placed.push(tops.get(mark.node));
      } else if (last.more) {
        last.more++;
      } else {
        tops.set(mark.node, { mark, at: last.at, level: 2, more: 1 });
        placed.push(tops.get(mark.node));
      }
    }
    return placed;
  }

  // Labels where there is room, off the lanes and across few other lines: what matters first. The
  // chosen message always has one.
  function label(g, drawn, placed, x, width) {
    const names = g.append("g").style("pointer-events", "none");
    const rank = m => m === chosen ? 0 : m.error || m.received === null ? 1 : m.noise ? 3 : 2;
    const right = width - margin.right;
    const taken = placed.map(({ mark, at, level }) => ({ x: at - 11, y: laneY.get(mark.node) - level * 18 - 11, w: 22, h: 22 }));
    for (const y of laneY.values()) taken.push({ x: 0, y: y - 4, w: width, h: 8 });
    if (violation) taken.push({ x: x(violation.at) - 2, y: 0, w: 4, h: bottom });
    const lines = drawn.filter(m => m.from !== m.to).map(m => {
      const y1 = laneY.get(m.from), lost = m.received === null;
      const y2 = lost ? y1 + (laneY.get(m.to) - y1) * .62 : laneY.get(m.to);
      return { m, x1: x(m.sent), y1, x2: lost ? x(m.sent) + 14 : x(m.received), y2 };
    });
    for (const { m, x2, y2 } of lines) if (m.received === null) taken.push({ x: x2 - 5, y: y2 - 5, w: 10, h: 10 });
    const at = (line, y) => line.x1 + (line.x2 - line.x1) * (y - line.y1) / (line.y2 - line.y1);
    // The least crossed of the free places along a line.
    const place = (line, wide, allow) => {
      let best = null;
      for (const t of [.5, .4, .6, .3, .7, .2, .8, .12, .88]) {
        const y = line.y1 + (line.y2 - line.y1) * t, here = at(line, y);
        for (const left of [here + 5, here - wide - 5]) {
          const spot = { x: left, y: y - 7, w: wide, h: 14 };
          if (spot.x < margin.left || spot.x + wide > right) continue;
          if (taken.some(o => o.x < spot.x + spot.w && spot.x < o.x + o.w && o.y < spot.y + spot.h && spot.y < o.y + o.h)) continue;
          const crossed = lines.filter(o => o !== line && (o.y1 - y) * (o.y2 - y) < 0 && at(o, y) > spot.x - 2 && at(o, y) < spot.x + wide + 2).length;
          if (crossed <= allow && (!best || crossed < best.crossed)) best = { spot, crossed };
          if (crossed === 0) return best;
        }
      }
      return best;
    };
    const candidates = [...lines].sort((p, q) => rank(p.m) - rank(q.m) || p.m.index - q.m.index).slice(0, 150);
    for (const line of candidates) {
      const m = line.m;
      const words = shortKind(m.kind) + (m.detail ? " " + m.detail : "");
      const most = m === chosen ? 70 : 36;
      let text = words.length > most ? words.slice(0, most - 1) + "\u2026" : words;
      let best = place(line, textWidth(text) + 4, [3, 3, 2, 0][rank(m)]);
      if (!best && rank(m) < 3) {
        const brief = shortKind(m.kind);
        best = place(line, textWidth(brief) + 4, 1);
        if (best) text = brief;
      }
      const wide = textWidth(text) + 4;
      if (!best && m === chosen) {
        const mid = (line.y1 + line.y2) / 2 - 14;
        best = { spot: { x: Math.max(margin.left, Math.min(at(line, mid + 7) + 5, right - wide)), y: mid, w: wide, h: 14 } };
      }
      if (!best) continue;
      taken.push(best.spot);
      names.append("text").attr("class", "halo").attr("x", best.spot.x).attr("y", best.spot.y + 11).style("font-weight", m === chosen ? 700 : 400)
        .style("fill", m.error || m.received === null ? "var(--fail)" : "var(--ink)").text(text);
    }
  }

  function draw() {
    const width = Math.max(host.clientWidth - 24, 320);
    const x = d3.scaleLinear().domain(view).range([margin.left, width - margin.right]);
    const clipId = "clip-" + slice.tag;
    svg.selectAll("*").remove();
    svg.append("clipPath").attr("id", clipId).append("rect").attr("x", margin.left - 2).attr("width", width - margin.left - margin.right + 4).attr("y", 0).attr("height", bottom + 4);
    timeAxis(svg.append("g").attr("transform", `translate(0,${bottom})`), x, bottom - margin.top);
    let group = -1;
    for (const id of lanes) {
      const y = laneY.get(id);
      if (groupOf(id) !== group) {
        group = groupOf(id);
        svg.append("text").attr("class", "soft-text").attr("x", 0).attr("y", y - lane / 2 + 4).style("font-size", "10.5px").text(kindGroup[group]);
      }
      svg.append("text").attr("class", "panel-name").attr("x", margin.left - 12).attr("y", y + 4).attr("text-anchor", "end").text(nodeName(id).length > 15 ? nodeName(id).slice(0, 14) + "\u2026" : nodeName(id));
      svg.append("line").attr("class", "lane").attr("x1", margin.left).attr("x2", width - margin.right).attr("y1", y).attr("y2", y);
    }
    const g = svg.append("g").attr("clip-path", `url(#${clipId})`);
    g.selectAll("rect.down").data(down).enter().append("rect").attr("class", "down").attr("x", d => x(d.from)).attr("width", d => Math.max(1, x(d.until) - x(d.from)))
      .attr("y", d => laneY.get(d.node) - 5).attr("height", 10);

    const list = wanted();
    const inside = list.filter(m => ends(m) >= view[0] && m.sent <= view[1]);
    let drawn = inside;
    if (inside.length > drawnAtMost) {
      // What went wrong first, then evenly, so that the picture keeps its shape.
      const wrong = inside.filter(m => m.error || m.received === null).slice(0, drawnAtMost / 2);
      const rest = inside.filter(m => !m.error && m.received !== null), room = drawnAtMost - wrong.length;
      drawn = wrong.concat(d3.range(Math.min(room, rest.length)).map(i => rest[Math.floor(i * rest.length / Math.min(room, rest.length))]));
    }
    if (chosen && !drawn.includes(chosen) && inside.includes(chosen)) drawn.push(chosen);
    const hidden = noise ? 0 : slice.messages.filter(m => m.noise).length;
    status.textContent = `${thousands(inside.length)} of ${plural(slice.messages.length, "message")} in ${instantText(view[0])} to ${instantText(view[1])}` +
      (hidden ? `; ${thousands(hidden)} heartbeats and fetches hidden` : "");
    const short = [];
    if (slice.total > slice.messages.length) short.push(`this page holds ${thousands(slice.messages.length)} of ${plural(slice.total, "message")} in the span: the nearest to ${slice.tag}, heartbeats and fetches last`);
    if (slice.marksTotal > slice.marks.length) short.push(`${thousands(slice.marks.length)} of ${plural(slice.marksTotal, "mark")}`);
    if (inside.length > drawn.length) short.push(`showing ${thousands(drawn.length)} of ${plural(inside.length, "message")} in this window; zoom in for the rest`);
    held.textContent = short.join("; ");
    held.hidden = !short.length;

    if (violation && violation.at >= view[0] && violation.at <= view[1]) {
      g.append("line").attr("class", "violation-line" + (violation.allowed ? " allowed" : "")).attr("x1", x(violation.at)).attr("x2", x(violation.at)).attr("y1", 18).attr("y2", bottom);
      svg.append("text").attr("class", "violation-name" + (violation.allowed ? " allowed" : "")).attr("x", x(violation.at)).attr("y", 13).attr("text-anchor", x(violation.at) > width - 160 ? "end" : "middle").text(`${slice.tag}, ${instantText(violation.at)}`);
    }
    const groups = g.selectAll("g.message").data(drawn, m => m.index).enter().append("g")
      .attr("class", m => "message" + (m.reply ? " reply" : "") + (m.error ? " bad" : "") + (m.received === null ? " lost" : "") + (m === chosen ? " chosen" : ""))
      .attr("tabindex", m => m === chosen ? 0 : -1).attr("role", "img").attr("aria-label", m => `${m.kind} ${nodeName(m.from)} to ${nodeName(m.to)} ${instantText(m.sent)} ${m.detail}`);
    groups.each(function (m) {
      const one = d3.select(this), x1 = x(m.sent), y1 = laneY.get(m.from), y2 = laneY.get(m.to);
      if (m.from === m.to) {
        one.append("circle").attr("class", "head").attr("r", 4).attr("cx", x1).attr("cy", y1);
        one.append("path").attr("class", "hit").attr("d", `M${x1 - 4},${y1}h8`);
      } else {
        const lost = m.received === null;
        const x2 = lost ? x1 + 14 : x(m.received), stop = lost ? y1 + (y2 - y1) * .62 : y2;
        const away = Math.hypot(x2 - x1, stop - y1) || 1, ux = (x2 - x1) / away, uy = (stop - y1) / away;
        const path = `M${x1},${y1}L${x2},${stop}`;
        one.append("path").attr("class", "hit").attr("d", path);
        one.append("path").attr("class", "line").attr("d", path);
        if (lost) one.append("path").attr("class", "cross").attr("d", `M${x2 - 4},${stop - 4}l8,8m0,-8l-8,8`);
        else one.append("path").attr("class", "head").attr("d", `M${x2},${stop}L${x2 - 8 * ux - 3.5 * uy},${stop - 8 * uy + 3.5 * ux}L${x2 - 8 * ux + 3.5 * uy},${stop - 8 * uy - 3.5 * ux}Z`);
      }
      one.append("title").text(`${m.kind} ${m.detail}`);
    });
    const placed = placeMarks(x);
    label(g, drawn, placed, x, width);
    for (const { mark, at, level, more } of placed) {
      if (more) {
        g.append("text").attr("class", "halo soft-text").attr("x", at + 10).attr("y", laneY.get(mark.node) - 36).text("+" + more);
        continue;
      }
      const one = glyph(g, ...markLook(mark.kind)).attr("transform", `translate(${at},${laneY.get(mark.node) - level * 18})`).style("cursor", "pointer");
      one.append("title").text(`${instantText(mark.at)} ${mark.kind}: ${mark.text}`);
      one.on("mouseenter", () => describe(mark)).on("mouseleave", () => describe(chosen));
    }
    groups.on("mouseenter", describe).on("mouseleave", () => describe(chosen)).on("click", m => choose(m, true));
    groups.filter(m => m === chosen).raise();
    svg.attr("viewBox", `0 0 ${width} ${bottom + 24}`).attr("height", bottom + 24);
    dragToZoom(svg, { left: margin.left, right: width - margin.right, top: margin.top, height: bottom - margin.top }, x, ([from, to]) => show(from, to));
  }
  svg.on("wheel.zoom", () => {
    if (!d3.event.ctrlKey) return;
    d3.event.preventDefault();
    const width = host.clientWidth - 24;
    const share = (d3.mouse(svg.node())[0] - margin.left) / (width - margin.left - margin.right);
    const at = view[0] + (view[1] - view[0]) * Math.min(Math.max(share, 0), 1), k = Math.pow(1.002, d3.event.deltaY);
    show(at - (at - view[0]) * k, at + (view[1] - at) * k);
  });
  draw();
  describe(null);
  return {
    host, tag: slice.tag, draw, step, partner, zoom, pan, search,
    all: () => show(slice.from, slice.until), clear: () => { chosen = null; view = first; draw(); describe(null); },
    toggle: () => { box.checked = noise = !noise; draw(); },
    messages: slice.messages.length, get chosen() { return chosen; }, get noise() { return noise; }, get view() { return view; }
  };
}
