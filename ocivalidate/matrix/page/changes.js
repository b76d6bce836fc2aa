// What changed from one run to another. What counts as worse is the table of ocivalidate/matrix/changes.py, which the
// page brings along; so is the one rule beside it, that a failure which fails in more ways got worse.

import { el, plural } from "./dom.js";
import { SIGNS, WORDS, isFailed, isPassed, point } from "./data.js";
import { shortName } from "./matrix.js";

const MOST_ROWS = 500;

const GROUP = (outcome) => (isPassed(outcome) ? "kept" : isFailed(outcome) ? "broken" : outcome);

export function changesBetween(data, made, old, now) {
  const found = [];
  made.pairs.forEach((_, pair) => {
    const before = old.outcomes[pair], after = now.outcomes[pair];
    let change = data.changes[`${GROUP(before)} ${GROUP(after)}`];
    if (change === "ways") change = waysOf(point(made, pair, old), point(made, pair, now));
    if (change) found.push({ pair, before, after, change });
  });
  const order = Object.keys(data.changeWords);
  return found.sort((one, other) => order.indexOf(one.change) - order.indexOf(other.change) || one.pair - other.pair);
}

function waysOf(before, after) {
  const ways = (one) => new Set(one.said.map((each) => each.message.replace(/[0-9]+/g, "#")));
  const old = ways(before), now = ways(after);
  const gone = [...old].some((one) => !now.has(one)), come = [...now].some((one) => !old.has(one));
  if (come && !gone) return "worse";
  if (gone && !come) return "better";
  return come ? "other" : "";
}

export function bothJudged(made, old, now) {
  const judged = (outcome) => isPassed(outcome) || isFailed(outcome);
  return made.pairs.reduce((sum, _, pair) => sum + (judged(old.outcomes[pair]) && judged(now.outcomes[pair]) ? 1 : 0), 0);
}

// The two runs that are compared: those that the state names, or the last two of the first runtime that has two.
export function compared(data, made, state) {
  const named = [made.byLabel.get(state.old), made.byLabel.get(state.new)];
  if (named[0] && named[1]) return named;
  const given = data.compared.find((one) => one.kind === made.kind);
  if (given && made.subjects[given.old] && made.subjects[given.new]) return [made.subjects[given.old], made.subjects[given.new]];
  for (const one of made.subjects) {
    const own = made.subjects.filter((other) => other.name === one.name);
    if (own.length > 1) return [named[0] || own.at(-2), named[1] || own.at(-1)];
  }
  return [named[0] || made.subjects[0], named[1] || made.subjects.at(-1)];
}

export function changesView(data, made, state, go) {
  if (made.subjects.length < 2) return el("section", {}, el("h2", {}, "What changed"), el("p", {}, "There are no two runs to compare."));
  const [old, now] = compared(data, made, state);
  const every = changesBetween(data, made, old, now);
  const rows = state.change ? every.filter((one) => one.change === state.change) : every;
  return el("section", { "aria-labelledby": "changes-title" },
    el("h2", { id: "changes-title" }, "What changed"),
    chooser(data, made, state, go, old, now),
    data.told.length ? el("ul", { class: "notes" }, data.told.map((line) => el("li", {}, line))) : null,
    summary(data, made, every, old, now),
    differentGround(old, now),
    rows.length ? table(data, made, rows, old, now, go) : el("p", {}, "Nothing of this kind."),
    rules(data));
}

function chooser(data, made, state, go, old, now) {
  const select = (name, title, chosen) => el("label", {}, el("span", {}, title), el("select", {
    name, "data-key": `changes ${name}`, onchange: (event) => go({ old: old.label, new: now.label, [name]: event.target.value }),
  }, made.subjects.map((one) => el("option", { value: one.label, selected: one === chosen }, one.label))));
  return el("div", { class: "filters" }, select("old", "Before", old), select("new", "Now", now),
    el("label", {}, el("span", {}, "Change"), el("select", { name: "change", "data-key": "changes change", onchange: (event) => go({ change: event.target.value }) },
      el("option", { value: "" }, "all"),
      Object.entries(data.changeWords).map(([name, words]) => el("option", { value: name, selected: name === state.change }, words)))),
    el("button", { type: "button", "data-key": "changes swap", onclick: () => go({ old: now.label, new: old.label }) }, "Swap"));
}

function summary(data, made, every, old, now) {
  const counts = Object.entries(data.changeWords).map(([name, words]) => [name, words, every.filter((one) => one.change === name).length]);
  const both = bothJudged(made, old, now);
  return el("div", { role: "status" },
    el("ul", { class: "counts" }, counts.filter(([, , count]) => count).map(([name, words, count]) => el("li", { class: name }, el("b", {}, String(count)), ` ${words}`))),
    el("p", { class: "quiet" }, `${plural(both, "result")} of both runs can be compared.`));
}

function differentGround(old, now) {
  const facts = [["release", "judged by"], ["suite", "suite"], ["mode", "control groups"], ["kernel", "kernel"]];
  const told = facts.filter(([name]) => old[name] && now[name] && old[name] !== now[name]).map(([name, words]) => `${words} ${old[name]}, then ${now[name]}`);
  return told.length ? el("p", { class: "note" }, `Not the same ground: ${told.join("; ")}.`) : null;
}

function table(data, made, rows, old, now, go) {
  const line = ({ pair, before, after, change }) => {
    const is = point(made, pair, now), said = saidOf(is, point(made, pair, old));
    return el("tr", { class: change },
      el("td", {}, data.changeWords[change]),
      el("td", { class: "clause" }, el("button", { type: "button", class: "link", "data-key": `change ${pair}`, onclick: () => go({ row: is.clause.id, run: now.label, rows: "" }) }, shortName(is.clause.id)),
        is.case ? el("span", { class: "case" }, is.case) : null),
      el("td", {}, is.clause.level === "none" ? "" : is.clause.level),
      el("td", {}, arrow(before, after)),
      el("td", { class: "said" }, said));
  };
  const left = rows.length - MOST_ROWS;
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Changes" },
    el("table", { class: "list" }, el("caption", { class: "hidden" }, `From ${old.label} to ${now.label}`),
      el("thead", {}, el("tr", {}, ["Change", "Clause and case", "Level", "From, to", "What was said"].map((one) => el("th", { scope: "col" }, one)))),
      el("tbody", {}, rows.slice(0, MOST_ROWS).map(line))),
    left > 0 ? el("p", {}, `${plural(left, "more change")} not shown.`) : null);
}

// What tells most of a change: a failure that is over says more than what came after it, and of two failures what only
// one of them says.
function saidOf(now, old) {
  const sides = isFailed(old.outcome) && !isFailed(now.outcome) ? [old, now] : [now, old];
  const [one, other] = sides.map((side) => side.said.map((each) => each.message));
  const told = [...one.filter((text) => !other.includes(text)), ...other.filter((text) => !one.includes(text))];
  return [...told, ...one, ...other, ""][0];
}

function arrow(before, after) {
  return [outcomeSign(before), el("span", { "aria-hidden": "true" }, " → "), el("span", { class: "hidden" }, " then "), outcomeSign(after)];
}

function outcomeSign(outcome) {
  return el("span", { class: `sign ${outcome}`, title: WORDS[outcome] }, el("span", { "aria-hidden": "true" }, SIGNS[outcome]), el("span", { class: "hidden" }, WORDS[outcome]));
}

function rules(data) {
  const groups = data.changeGroups;
  return el("details", { class: "rules" }, el("summary", {}, "What counts as worse"),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "What counts as worse" }, el("table", { class: "list" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "before, now"), groups.map(([, words]) => el("th", { scope: "col" }, words)))),
      el("tbody", {}, groups.map(([from, words]) => el("tr", {}, el("th", { scope: "row" }, words),
        groups.map(([to]) => el("td", {}, ruleWords(data, data.changes[`${from} ${to}`])))))))),
    el("p", { class: "quiet" }, "A failure is worse where it says more than before, better where it says less; numbers in what is said count for nothing."));
}

function ruleWords(data, change) {
  return change === "ways" ? "by what is said" : data.changeWords[change] || "";
}
