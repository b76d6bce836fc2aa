// One cell, opened: what each case said, how to see it again, and what the other runs do.

import { el, plural } from "./dom.js";
import { SIGNS, WORDS, isFailed, isPassed, outcomeOf, pointsOf, reasonOf } from "./data.js";

const MOST_POINTS = 500;

export function detail(data, made, state, go) {
  const mode = state.rows || "clauses";
  const row = made.byId[mode].get(state.row), one = made.byLabel.get(state.run);
  if (!row || !one) return null;
  const outcome = outcomeOf(made, row, one), points = pointsOf(made, row, one);
  const heading = el("h2", { id: "detail-title", tabindex: "-1" }, row.id);
  return el("div", { class: "detail" },
    el("header", {},
      el("button", { type: "button", class: "close", onclick: () => go({ row: "", run: "" }) }, "Close"),
      heading,
      el("p", { class: "of" }, sign(outcome), ` ${one.label}: ${WORDS[outcome]}`),
      one.stale ? el("p", { class: "note" }, `Stale: ${one.stale}`) : null),
    mode === "clauses" ? about(data, row.clauses[0]) : null,
    points.length ? null : el("p", {}, `Not judged: ${reasonOf(made, row, one)}.`),
    points.slice(0, MOST_POINTS).map((point) => pointBlock(one, point, mode)),
    points.length > MOST_POINTS ? el("p", {}, `and ${plural(points.length - MOST_POINTS, "more case")}, which did no worse.`) : null,
    others(made, row, one, go));
}

function sign(outcome) {
  return el("span", { class: `sign ${outcome}`, "aria-hidden": "true" }, SIGNS[outcome]);
}

function about(data, clause) {
  const facts = [clause.level === "none" ? "" : clause.level, clause.platform === "any" ? "" : clause.platform].filter(Boolean).join(", ");
  const link = (address, words) => el("a", { href: address, rel: "noopener noreferrer" }, words);
  return [el("p", { class: "about" }, clause.summary, " ", facts ? el("span", { class: "quiet" }, `(${facts}) `) : null),
    el("p", { class: "links" }, clause.page ? link(data.site + clause.page, "About this clause") : null,
      clause.url ? link(clause.url, "In the specification") : null),
  commandLine("Explain it", ["ocivalidate", "explain", clause.id])];
}

function pointBlock(one, point, mode) {
  const title = mode === "clauses" ? point.case || point.clause.id : point.clause.id;
  return el("section", { class: `point ${point.outcome}` },
    el("h3", {}, sign(point.outcome), ` ${title}`, el("span", { class: "hidden" }, `: ${WORDS[point.outcome]}`)),
    mode === "cases" && point.clause.summary ? el("p", { class: "quiet" }, point.clause.summary) : null,
    point.said.map((each) => saidBlock(point, each)),
    point.more ? el("p", { class: "quiet" }, `and ${plural(point.more, "other finding")}`) : null,
    isPassed(point.outcome) || !point.dump ? null : el("dl", {}, pair("Kept in", point.dump)),
    reproduction(one, point, mode));
}

function saidBlock(point, each) {
  return [
    each.message ? el("p", { class: isFailed(point.outcome) ? "message" : "reason" }, each.message) : null,
    each.got || each.want || each.where
      ? el("dl", {}, pair("Got", each.got), pair("Want", each.want), pair("Where", each.where)) : null,
  ];
}

function pair(name, value) {
  return value ? [el("dt", {}, name), el("dd", {}, el("code", {}, value))] : null;
}

// The command that shows it again.
function reproduction(one, point, mode) {
  if (isPassed(point.outcome)) return null;
  const words = one.kind === "runtime"
    ? ["ocivalidate", "runtime", "--runtime", one.program || one.name, "--select", point.case || point.clause.id]
    : ["ocivalidate", one.kind, one.program || one.name, "--select", point.clause.id];
  return el("div", { class: "again" }, commandLine("Show it", words),
    mode === "cases" ? commandLine("Explain it", ["ocivalidate", "explain", point.clause.id]) : null);
}

function commandLine(title, words) {
  const line = words.map(quoted).join(" ");
  const code = el("code", { tabindex: "0" }, line);
  const copy = el("button", { type: "button", "aria-label": `Copy: ${line}`, onclick: () => copied(copy, line, code) }, "Copy");
  return el("p", { class: "command" }, el("span", { class: "quiet" }, title), code, copy);
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

function copied(button, line, code) {
  const done = () => { button.textContent = "Copied"; };
  // A page from disk may not write to the clipboard everywhere: there the line is selected.
  const mark = () => getSelection().selectAllChildren(code);
  if (navigator.clipboard) navigator.clipboard.writeText(line).then(done, mark);
  else mark();
}

function others(made, row, one, go) {
  const beside = made.subjects.filter((other) => other !== one);
  if (!beside.length) return null;
  return el("section", { class: "others" }, el("h3", {}, "The other runs"), el("ul", {}, beside.map((other) => {
    const outcome = outcomeOf(made, row, other);
    return el("li", {}, el("button", { type: "button", "data-key": `other ${other.number}`, onclick: () => go({ run: other.label }, true) },
      sign(outcome), ` ${other.label}`, el("span", { class: "hidden" }, `: ${WORDS[outcome]}`)));
  })));
}
