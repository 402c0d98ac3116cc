// Puts the charts into the page when they come near, and listens to the keyboard.
"use strict";

definePatterns();

const later = new Map();     // element -> what draws it
const diagrams = new Map();  // tag -> space-time diagram
let current = null;          // the diagram that keys act on; none: the run
const whenNear = typeof IntersectionObserver === "function" ? new IntersectionObserver(seen => {
  for (const each of seen) if (each.isIntersecting) bring(each.target);
}, { rootMargin: "800px" }) : null;

function bring(host) {
  const draw = later.get(host);
  if (!draw) return;
  later.delete(host);
  if (whenNear) whenNear.unobserve(host);
  draw();
}
// What is small is drawn at once; the rest waits, so that a large page still opens quickly.
let drawnNow = 0;
function plan(host, size, draw) {
  later.set(host, draw);
  drawnNow += size;
  if (!whenNear || drawnNow <= 20000) bring(host);
  else whenNear.observe(host);
}
const bringAll = () => [...later.keys()].forEach(bring);

let strip = null;
const stripHost = document.getElementById("overview-chart");
if (stripHost) strip = overview(stripHost);
document.querySelectorAll(".spacetime").forEach(host => {
  const raw = report.slices.find(s => s.violation === host.dataset.violation);
  plan(host, 5 * raw.messages.length, () => {
    const made = spacetime(host, raw);
    diagrams.set(made.tag, made);
    host.addEventListener("pointerdown", () => { current = made; });
    host.addEventListener("focusin", () => { current = made; });
  });
});
if (stripHost) ["pointerdown", "focusin"].forEach(kind => stripHost.addEventListener(kind, () => { current = null; }));

const partitionViews = [];
const legendHost = document.getElementById("partition-legend");
if (legendHost) partitionLegend(legendHost);
document.querySelectorAll("details.partition").forEach((host, i) => {
  const raw = report.partitions[Number(host.dataset.index)];
  const redraw = () => { if (host.open && host.view) host.view.draw(); };
  host.addEventListener("toggle", () => {
    if (host.open && !host.view && !later.has(host)) host.view = partition(host, raw);
    else redraw();
  });
  host.addEventListener("pointerdown", () => { current = null; });
  const matters = violations.some(v => v.partition === raw.name) || raw.truncations.length > 0;
  host.open = i < 3 || (matters && i < 12);
  if (host.open) plan(host, raw.shown, () => { host.view = partition(host, raw); });
  partitionViews.push(redraw);
});
run.watchers.push(() => partitionViews.forEach(redraw => redraw()));

let resizing = 0;
window.addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(redrawAll, 120);
});
function redrawAll() {
  if (strip) strip.draw();
  diagrams.forEach(each => each.draw());
  partitionViews.forEach(redraw => redraw());
}
window.addEventListener("beforeprint", () => { bringAll(); redrawAll(); });

const copy = document.getElementById("copy");
function copyRerun() {
  const code = document.getElementById("rerun");
  if (!code) return;
  // From a file some browsers have no clipboard interface: a selection is copied by hand then.
  getSelection().selectAllChildren(code);
  const done = () => { copy.textContent = "Copied"; setTimeout(() => { copy.textContent = "Copy"; }, 1500); };
  if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, () => { if (document.execCommand("copy")) done(); });
  else if (document.execCommand("copy")) done();
}
if (copy) copy.addEventListener("click", copyRerun);

const help = document.getElementById("help");
let focusBefore = null;
function showHelp(open) {
  if (open) focusBefore = document.activeElement;
  help.hidden = !open;
  if (open) document.getElementById("help-close").focus();
  else if (focusBefore) focusBefore.focus();
}
document.getElementById("help-close").addEventListener("click", () => showHelp(false));
help.addEventListener("click", event => { if (event.target === help) showHelp(false); });
help.addEventListener("keydown", event => {
  if (event.key === "Tab") { event.preventDefault(); document.getElementById("help-close").focus(); }
});

const cards = [...document.querySelectorAll("article.card")];
let card = -1;
function goTo(target) {
  if (!target) return;
  target.scrollIntoView({ block: "start" });
  target.focus({ preventScroll: true });
  if (target.id) history.replaceState(null, "", "#" + target.id);
}
function stepViolation(by) {
  if (!cards.length) return;
  card = Math.min(Math.max(card + by, 0), cards.length - 1);
  const host = cards[card].querySelector(".spacetime");
  if (host) { bring(host); current = diagrams.get(host.dataset.violation) || current; }
  goTo(cards[card]);
}
function stepFault(by) {
  if (!faults.length) return;
  chooseFault(Math.min(Math.max(chosenFault < 0 && by < 0 ? faults.length - 1 : chosenFault + by, 0), faults.length - 1), true);
  current = null;
}
// The diagram that was used last, else the one in view, else the first.
function diagramInView() {
  if (current) return current;
  const hosts = [...document.querySelectorAll(".spacetime")];
  const near = hosts.find(host => { const box = host.getBoundingClientRect(); return box.bottom > 80 && box.top < innerHeight; }) || hosts[0];
  if (near) bring(near);
  return near ? diagrams.get(near.dataset.violation) : null;
}
function useDiagram(act) {
  const found = diagramInView();
  if (!found) return;
  const box = found.host.getBoundingClientRect();
  if (box.bottom < 80 || box.top > innerHeight - 80) found.host.scrollIntoView({ block: "center" });
  current = found;
  act(found);
}
const zoomed = () => current || run;

const places = { t: "guarantees", v: "violations", o: "overview", p: "partitions", f: "faults" };
const keys = {
  "?": () => showHelp(help.hidden),
  n: () => stepViolation(1), p: () => stepViolation(-1),
  j: () => useDiagram(d => d.step(1)), k: () => useDiagram(d => d.step(-1)), m: () => useDiagram(d => d.partner()),
  f: () => stepFault(1), F: () => stepFault(-1),
  "+": () => zoomed().zoom(.5), "=": () => zoomed().zoom(.5), "-": () => zoomed().zoom(2), 0: () => zoomed().all(),
  h: () => zoomed().pan(-.25), l: () => zoomed().pan(.25), x: () => useDiagram(d => d.toggle()),
  "/": () => useDiagram(d => d.search.focus()), y: copyRerun
};
let going = false;
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches && event.target.matches("input[type=search], textarea, select");
  if (event.key === "Escape") {
    if (!help.hidden) showHelp(false);
    else if (typing) event.target.blur();
    else if (current) { current.clear(); current = null; }
    going = false;
    return;
  }
  if (typing || (!help.hidden && event.key !== "?")) return;
  if (going) {
    going = false;
    if (places[event.key]) { event.preventDefault(); goTo(document.getElementById(places[event.key])); return; }
  }
  if (event.key === "g") { going = true; return; }
  const act = Object.prototype.hasOwnProperty.call(keys, event.key) ? keys[event.key] : null;
  if (act) { event.preventDefault(); act(); }
});

// The section in view is marked in the rail.
const links = [...document.querySelectorAll(".rail > ul > li > a")];
if (typeof IntersectionObserver === "function") {
  const inView = new Set();
  const watch = new IntersectionObserver(seen => {
    for (const each of seen) if (each.isIntersecting) inView.add(each.target.id); else inView.delete(each.target.id);
    const top = links.find(link => inView.has(link.hash.slice(1)));
    links.forEach(link => link === top ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current"));
  }, { rootMargin: "-10% 0px -60% 0px" });
  links.forEach(link => { const to = document.getElementById(link.hash.slice(1)); if (to) watch.observe(to); });
}

// #selftest: presses every key and says in the page's root what did not work.
function selfTest() {
  const wrong = [];
  let asked = 0;
  const press = (...list) => list.forEach(key => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
  const expect = (what, holds) => { asked++; if (!holds) wrong.push(what); };
  press("?"); expect("? opens the help", !help.hidden);
  press("Escape"); expect("Escape closes it", help.hidden);
  for (const [key, id] of Object.entries(places)) {
    const place = document.getElementById(id);
    if (place) { press("g", key); expect(`g ${key}`, document.activeElement === place && location.hash === "#" + id); }
  }
  if (cards.length) {
    press("n"); expect("n", document.activeElement === cards[0]);
    if (cards.length > 1) { press("n"); expect("n n", document.activeElement === cards[1]); press("p"); expect("p", document.activeElement === cards[0]); }
  }
  bringAll();
  const first = [...diagrams.values()].find(each => each.messages > 0);
  if (first) {
    current = first;
    press("j"); const one = first.chosen; expect("j chooses a message", one !== null && first.host.querySelector(".message.chosen") !== null);
    press("j"); expect("j moves on", first.chosen !== one || first.host.querySelectorAll(".message").length === 1);
    press("k"); expect("k goes back", first.chosen === one);
    const noise = first.noise; press("x"); expect("x toggles heartbeats", first.noise !== noise); press("x");
    press("0"); const wide = first.view[1] - first.view[0];
    press("+"); expect("+ zooms the diagram in", first.view[1] - first.view[0] < wide);
    press("0"); expect("0 shows all of it", first.view[1] - first.view[0] === wide);
    press("Escape"); expect("Escape clears the choice", first.chosen === null && current === null);
  }
  current = null;
  if (strip) {
    press("+"); expect("+ zooms the run in", run.window[1] - run.window[0] < runEnd);
    press("l", "h", "-", "0"); expect("0 shows the whole run", run.window[0] === 0 && run.window[1] === runEnd);
  }
  if (faults.length) {
    press("f"); expect("f chooses the first fault", chosenFault === 0);
    if (faults.length > 1) { press("f"); expect("f moves on", chosenFault === 1); press("F"); expect("F goes back", chosenFault === 0); }
  }
  document.querySelectorAll("details.partition[open]").forEach(host => expect("chart of " + host.id, host.querySelector("svg path") !== null));
  expect("nothing is left undrawn", later.size === 0);
  document.documentElement.dataset.selftest = wrong.length ? "FAILED: " + wrong.join("; ") : `ok ${asked}`;
}
if (location.hash === "#selftest") selfTest();
