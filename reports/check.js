// The stepper of a check's page: walks along a counterexample, state by state.
//
// The static list is the data: the first step holds the whole state, every other one what it changed.
"use strict";
document.documentElement.classList.add("js");

const steppers = [...document.querySelectorAll("article.stepper")].map(card => {
  const items = [...card.querySelectorAll(".steps > li:not(.loop)")];
  const host = card.querySelector(".state");
  const title = host.querySelector("b");
  const place = host.querySelector(".place");
  const rows = host.querySelector("tbody");
  const loop = card.dataset.loop === undefined ? -1 : Number(card.dataset.loop);
  const changesOf = item => [...item.querySelectorAll(".diff > div")].map(div => {
    const text = part => { const found = div.querySelector(part); return found ? found.textContent : null; };
    return { name: text("dt"), before: text(".was"), after: text(".now") };
  });
  // The state after step `at`, rebuilt from the first one.
  function stateAt(at) {
    const values = new Map();
    for (let i = 0; i <= at; i++) {
      for (const change of changesOf(items[i])) {
        if (change.after === null) values.delete(change.name); else values.set(change.name, change.after);
      }
    }
    return values;
  }
  const me = { card, at: 0, last: items.length - 1, loop, show };
  function show(at, scroll) {
    me.at = Math.min(Math.max(at, 0), me.last);
    items.forEach((item, i) => {
      const button = item.querySelector(".step");
      if (i === me.at) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
    });
    if (scroll) {
      // Only the list scrolls, not the page under the reader.
      const list = card.querySelector(".steps"), item = items[me.at];
      const top = item.offsetTop - list.offsetTop;
      if (top < list.scrollTop) list.scrollTop = top;
      else if (top + item.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top + item.offsetHeight - list.clientHeight;
    }
    title.textContent = items[me.at].querySelector(".step > span:last-child").textContent;
    place.textContent = `state ${me.at + 1} of ${items.length}`;
    const changed = new Map(me.at === 0 ? [] : changesOf(items[me.at]).map(change => [change.name, change]));
    rows.replaceChildren();
    for (const [name, value] of stateAt(me.at)) row(name, value, changed.get(name));
    for (const change of changed.values()) if (change.after === null) row(change.name, null, change);
  }
  function row(name, value, change) {
    const tr = rows.insertRow();
    const th = document.createElement("th");
    th.scope = "row"; th.textContent = name; tr.append(th);
    const td = tr.insertCell();
    if (!change) { td.textContent = value; return; }
    tr.className = "changed";
    const long = (change.before || "").length + (change.after || "").length > 60;
    const sides = parted(change.before, change.after);
    td.append(side("was", sides[0], long), long ? "" : arrow(), side("now", sides[1], long));
  }
  items.forEach((item, i) => item.querySelector(".step").addEventListener("click", () => { current = me; show(i); }));
  const back = card.querySelector(".loop button");
  if (back) back.addEventListener("click", () => { current = me; show(loop, true); });
  host.querySelector(".first").addEventListener("click", () => { current = me; show(0, true); });
  host.querySelector(".back").addEventListener("click", () => { current = me; show(me.at - 1, true); });
  host.querySelector(".on").addEventListener("click", () => { current = me; forth(me); });
  host.querySelector(".end").addEventListener("click", () => { current = me; show(me.last, true); });
  card.addEventListener("focusin", () => { current = me; });
  return me;
});
let current = null;

function arrow() {
  const span = document.createElement("span");
  span.className = "arrow"; span.textContent = "\u2192";
  return span;
}
// What both values begin and end with stays plain; the middle is what changed. Cut between words.
function parted(before, after) {
  if (before === null || after === null) return [[before === null ? "(none)" : before, "", ""], [after === null ? "(none)" : after, "", ""]];
  const a = before.split(/(\b|\s+)/).filter(t => t), b = after.split(/(\b|\s+)/).filter(t => t);
  let head = 0, tail = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return [a, b].map(t => [t.slice(0, head).join(""), t.slice(head, t.length - tail).join(""), t.slice(t.length - tail).join("")]);
}
function side(kind, [head, middle, tail], long) {
  const span = document.createElement("span");
  span.className = kind + (long ? " whole" : "");
  if (kind === "now" && long) span.append(arrow());
  span.append(head);
  if (middle) { const mark = document.createElement("mark"); mark.textContent = middle; span.append(mark); }
  span.append(tail);
  return span;
}
// From the last state of a lasso the way goes on where the loop starts.
function forth(stepper) {
  if (stepper.at < stepper.last) stepper.show(stepper.at + 1, true);
  else if (stepper.loop >= 0) stepper.show(stepper.loop, true);
}
// The last state is the news; the way there is walked backwards or from the start.
steppers.forEach(each => each.show(each.last, true));

const copy = document.getElementById("copy");
if (copy) copy.addEventListener("click", () => {
  const code = document.getElementById("rerun");
  getSelection().selectAllChildren(code);
  const done = () => { copy.textContent = "Copied"; setTimeout(() => { copy.textContent = "Copy"; }, 1500); };
  if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, () => { if (document.execCommand("copy")) done(); });
  else if (document.execCommand("copy")) done();
});

// The stepper that was used last, else the one in view, else the first.
function stepperInView() {
  if (current) return current;
  return steppers.find(each => { const box = each.card.getBoundingClientRect(); return box.bottom > 80 && box.top < innerHeight; }) || steppers[0];
}
function goTo(by) {
  if (!steppers.length) return;
  const from = steppers.indexOf(current);
  current = steppers[Math.min(Math.max(from + by, 0), steppers.length - 1)];
  current.card.scrollIntoView({ block: "start" });
  current.card.focus({ preventScroll: true });
  history.replaceState(null, "", "#" + current.card.id);
}
const use = act => () => { const found = stepperInView(); if (found) { current = found; act(found); } };
const keys = {
  ArrowRight: use(forth), ArrowLeft: use(s => s.show(s.at - 1, true)), j: use(forth), k: use(s => s.show(s.at - 1, true)),
  ArrowDown: use(forth), ArrowUp: use(s => s.show(s.at - 1, true)),
  Home: use(s => s.show(0, true)), End: use(s => s.show(s.last, true)), n: () => goTo(1), p: () => goTo(-1)
};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const act = Object.prototype.hasOwnProperty.call(keys, event.key) ? keys[event.key] : null;
  if (!act) return;
  // Up, down, home and end scroll the page unless the reader is inside a counterexample.
  const scrolls = /^(ArrowUp|ArrowDown|Home|End)$/.test(event.key);
  if (scrolls && !(document.activeElement && document.activeElement.closest("article.stepper"))) return;
  event.preventDefault();
  act();
});

// #selftest: presses the keys and says in the page's root what did not work.
function selfTest() {
  const wrong = [];
  let asked = 0;
  const press = key => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const expect = (what, holds) => { asked++; if (!holds) wrong.push(what); };
  expect("the page has a verdict", document.querySelector("h1").textContent !== "");
  steppers.forEach((each, i) => {
    press("n");
    expect("n goes to the next", document.activeElement === steppers[i].card);
    press("Home"); expect("Home shows the first state", each.at === 0);
    expect("all variables are shown", each.card.querySelectorAll("tbody tr").length >= 1);
    expect("nothing has changed at first", each.card.querySelector("tr.changed") === null);
    if (each.last > 0) {
      press("ArrowRight"); expect("right goes on", each.at === 1);
      press("ArrowLeft"); expect("left goes back", each.at === 0);
      press("End"); expect("End shows the last state", each.at === each.last);
      if (each.loop >= 0) { press("ArrowRight"); expect("right follows the loop", each.at === each.loop); press("End"); }
    }
  });
  document.documentElement.dataset.selftest = wrong.length ? "FAILED: " + wrong.join("; ") : `ok ${asked}`;
}
if (location.hash === "#selftest") selfTest();
