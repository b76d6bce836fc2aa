// The matrix: a table whose rows are areas, which open to clauses or cases, and whose columns are runs.

import { el, hidden, plural } from "./dom.js";
import { SIGNS, WORDS, counted, outcomeOf } from "./data.js";
import { shownRows, shownSubjects } from "./filters.js";
import { listed } from "./state.js";

const MOST_FOUND = 80;

export function matrixTable(made, state, go) {
  const subjects = shownSubjects(made, state), rows = shownRows(made, state, subjects);
  const areas = new Map();
  for (const row of rows) areas.set(row.area, [...(areas.get(row.area) || []), row]);
  const table = el("table", { class: "matrix", style: { "--columns": String(subjects.length) }, onkeydown: arrows },
    el("caption", { class: "hidden" }, `Which ${made.kind} keeps which ${state.rows === "cases" ? "case" : "clause"}. Arrow keys move between results.`),
    head(made, subjects),
    el("tbody", { class: "total" }, countRow(made, rows, subjects, el("th", { scope: "row" }, `All ${state.rows || "clauses"}`, amount(rows)))),
    [...areas].map(([area, own]) => areaBody(made, state, go, own, subjects, isOpen(state, area, rows.length))));
  const first = table.querySelector("button.cell");
  if (first) first.tabIndex = 0;
  return { table, rows, subjects, areas };
}

function head(made, subjects) {
  const names = [];
  for (const one of subjects) {
    if (names.length && names.at(-1)[0] === one.name) names.at(-1)[1] += 1;
    else names.push([one.name, 1]);
  }
  const versioned = subjects.some((one) => one.short);
  return el("thead", {},
    versioned && el("tr", {}, el("td", { class: "corner" }), names.map(([name, span]) => el("th", { scope: "colgroup", colspan: span, class: "name" }, el("span", {}, name)))),
    el("tr", {}, el("td", { class: "corner" }), subjects.map((one) => el("th", { scope: "col", class: one.stale ? "version stale" : "version", title: title(one) },
      el("span", {}, versioned ? [hidden(`${one.name} `), one.short] : one.label, one.stale ? " (stale)" : "")))));
}

function title(one) {
  return [one.label, one.stale, one.problem].filter(Boolean).join(" - ");
}

function amount(rows) {
  return el("span", { class: "amount" }, String(rows.length));
}

function areaBody(made, state, go, rows, subjects, open) {
  const area = rows[0].area;
  const toggle = () => go({ open: toggled(state, area) }, true);
  const button = el("button", { type: "button", class: "fold", "aria-expanded": String(open), "data-key": `area ${area}`, onclick: toggle },
    el("span", { class: "mark", "aria-hidden": "true" }), shortName(area));
  return el("tbody", {}, countRow(made, rows, subjects, el("th", { scope: "rowgroup" }, button, amount(rows))),
    open ? rows.map((row) => plainRow(made, state, go, row, subjects)) : null);
}

// What was looked for is shown at once, unless it is too much to be looked through.
function isOpen(state, area, found) {
  return (state.q && found <= MOST_FOUND) || state.open === "*" || listed(state.open).includes(area);
}

function toggled(state, area) {
  const open = listed(state.open === "*" ? "" : state.open);
  return (open.includes(area) ? open.filter((one) => one !== area) : [...open, area]).join(",");
}

function countRow(made, rows, subjects, first) {
  return el("tr", { class: "area" }, first, subjects.map((one) => {
    const count = counted(made, rows, one), judged = count.passed + count.failed;
    const shown = !judged ? "·" : count.failed ? String(count.failed) : "✓";
    const kind = !judged ? "absent" : count.failed ? "fail" : "pass";
    const told = `${plural(count.passed, "pass").replace(/passs$/, "passes")}, ${plural(count.failed, "failure")}, ${count.others} not judged`;
    const share = judged ? Math.round((100 * count.failed) / judged) : 0;
    return el("td", { class: `sum ${kind}`, title: `${one.label}: ${told}`, style: { "--share": `${share}%` } },
      el("span", { "aria-hidden": "true" }, shown), hidden(told));
  }));
}

function plainRow(made, state, go, row, subjects) {
  const level = state.rows === "cases" ? "" : row.clauses[0].level;
  return el("tr", {}, el("th", { scope: "row", title: row.id },
    el("span", { class: "id" }, el("b", { class: `level ${level.split(" ")[0].toLowerCase()}` }, level), wordBreaks(inner(row))),
    row.summary ? el("span", { class: "summary" }, row.summary) : null),
  subjects.map((one) => {
    const outcome = outcomeOf(made, row, one);
    return el("td", {}, el("button", {
      type: "button", class: `cell ${outcome}`, tabindex: "-1", "data-key": `${row.id}@${one.number}`, 
      "aria-label": `${one.label}: ${WORDS[outcome]}`, onclick: () => go({ row: row.id, run: one.label }),
    }, SIGNS[outcome]));
  }));
}

// Long names may break after a dot.
function wordBreaks(name) {
  return name.split(/(?<=[./])/).map((part) => [part, el("wbr")]);
}

function inner(row) {
  return row.id.startsWith(`${row.area}.`) ? row.id.slice(row.area.length + 1) : shortName(row.id);
}

export function shortName(id) {
  return id.startsWith("runtime/") ? id.slice("runtime/".length) : id;
}

// One result can be reached by Tab; from there the arrows lead on.
function arrows(event) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e4], End: [0, 1e4] };
  const step = steps[event.key], from = event.target.closest("button.cell");
  if (!step || !from || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const lines = [...event.currentTarget.querySelectorAll("tr")].map((row) => [...row.querySelectorAll("button.cell")]).filter((row) => row.length);
  const line = lines.findIndex((row) => row.includes(from)), column = lines[line].indexOf(from);
  const within = (number, size) => Math.max(0, Math.min(size - 1, number));
  const to = lines[within(line + step[0], lines.length)];
  const next = to[within(column + step[1], to.length)];
  from.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
