// Which rows and which columns the matrix shows, and the form that says so.

import { el, plural, replace } from "./dom.js";
import { isFailed, isPassed, outcomeOf, pointsOf } from "./data.js";
import { listed } from "./state.js";

const PAUSE = 120;  // milliseconds without a key, until the search begins
let typing = 0;

// Without a prototype: an address may name whatever that has.
const OUTCOMES = {
  __proto__: null,
  failed: ["failed", (found) => found.some(isFailed)],
  fail: ["failed, not known", (found) => found.includes("fail")],
  xfail: ["failed, as is known", (found) => found.includes("xfail")],
  error: ["could not be judged", (found) => found.includes("error")],
  passed: ["passed", (found) => found.some(isPassed)],
  open: ["not judged", (found) => found.some((one) => one === "skip" || one === "absent")],
  differs: ["runs differ", (found) => new Set(found.filter((one) => isFailed(one) || isPassed(one)).map(isFailed)).size > 1],
};
const LEVELS = {
  __proto__: null,
  must: ["MUST", (level) => level.startsWith("MUST")],
  should: ["SHOULD", (level) => level.startsWith("SHOULD")],
  none: ["no specification", (level) => !/^(MUST|SHOULD)/.test(level)],
};

export function shownSubjects(made, state) {
  const hide = new Set(listed(state.hide));
  const shown = made.subjects.filter((one) => !hide.has(String(one.number)));
  return shown.length ? shown : made.subjects;
}

export function shownRows(made, state, subjects) {
  const words = [...new Set(state.q.toLowerCase().split(/\s+/).filter(Boolean))];
  const release = made.releases.indexOf(state.release);
  const outcome = OUTCOMES[state.outcome], level = LEVELS[state.level];
  return made.rows[state.rows || "clauses"].filter((row) =>
    (!level || row.clauses.some((one) => level[1](one.level)))
    && (release < 0 || row.clauses.some((one) => one.since <= release && release <= one.until))
    && (!state.platform || row.clauses.some((one) => one.platform === state.platform))
    && (!outcome || outcome[1](subjects.map((one) => outcomeOf(made, row, one))))
    && (!words.length || words.every((word) => text(made, row).includes(word))));
}

// All that is said in a row, for searching; made when it is first looked for.
function text(made, row) {
  if (row.text === undefined) {
    const parts = [row.id, row.summary];
    for (const pair of row.pairs) parts.push(made.cases[made.pairs[pair][1]], made.clauses[made.pairs[pair][0]].id);
    const said = new Set();
    for (const one of made.subjects) {
      for (const point of pointsOf(made, row, one)) for (const each of point.said) said.add(each.message);
    }
    row.text = [...new Set(parts), ...said].join("\n").toLowerCase();
  }
  return row.text;
}

// The form is made once for each kind of subjects, and afterwards only set to what the state says.
export function filterForm(data, made, go) {
  const select = (name, title, options, any = "all") => el("label", {}, el("span", {}, title),
    el("select", { name, onchange: (event) => go({ [name]: event.target.value }) },
      any === null ? null : el("option", { value: "" }, any), options.map(([value, shown]) => el("option", { value }, shown))));
  const platforms = [...new Set(made.clauses.map((one) => one.platform))].sort();
  const search = el("input", {
    type: "search", name: "q", placeholder: "clause, case or message", autocomplete: "off", spellcheck: "false",
    oninput: () => { clearTimeout(typing); typing = setTimeout(() => go({ q: search.value }, true), PAUSE); },
  });
  return el("form", { role: "search", "aria-label": "Filters", class: "filters", onsubmit: (event) => event.preventDefault() },
    el("label", { class: "wide" }, el("span", {}, "Search"), search),
    // On a narrow screen the others are folded away.
    el("details", { class: "more", open: matchMedia("(min-width: 641px)").matches }, el("summary", {}, "Filters"), el("div", { class: "choices" },
      data.sheets.length > 1 ? select("kind", "What", data.sheets.map((one) => [one.kind, one.kind]), null) : null,
      made.cases.some(Boolean) ? select("rows", "Rows", [["cases", "cases"]], "clauses") : null,
      select("level", "Level", Object.entries(LEVELS).map(([value, [shown]]) => [value, shown])),
      select("release", "Release", made.releases.map((one) => [one, one])),
      select("platform", "Platform", platforms.map((one) => [one, one])),
      select("outcome", "Outcome", Object.entries(OUTCOMES).map(([value, [shown]]) => [value, shown])),
      columnChooser(made, go),
      el("button", { type: "button", name: "reset", onclick: () => go({ q: "", level: "", release: "", platform: "", outcome: "", hide: "" }) }, "Reset"))));
}

function columnChooser(made, go) {
  const boxes = () => [...chooser.querySelectorAll("input")];
  const chosen = () => boxes().filter((one) => !one.checked).map((one) => one.value).join(",");
  const box = (one) => el("label", {}, el("input", { type: "checkbox", value: one.number, onchange: () => go({ hide: chosen() }) }), one.label);
  const every = (checked) => { for (const one of boxes()) one.checked = checked; };
  const chooser = el("details", { class: "chooser" }, el("summary", {}, "Columns"),
    el("fieldset", {}, el("legend", { class: "hidden" }, "Which columns are shown"), made.subjects.map(box),
      el("div", {}, el("button", { type: "button", onclick: () => { every(true); go({ hide: "" }); } }, "All"))));
  return chooser;
}

export function setForm(form, made, state) {
  for (const one of form.querySelectorAll("select, input[type=search]")) {
    const value = one.name === "kind" ? made.kind : state[one.name];
    if (document.activeElement !== one || one.tagName === "SELECT") one.value = value;
    if (one.tagName === "SELECT" && one.selectedIndex < 0) one.selectedIndex = 0;
  }
  const hide = new Set(listed(state.hide));
  for (const one of form.querySelectorAll("input[type=checkbox]")) one.checked = !hide.has(one.value);
  const shown = made.subjects.length - hide.size;
  replace(form.querySelector(".chooser summary"), hide.size ? `Columns (${shown} of ${made.subjects.length})` : "Columns");
}

export function statusOf(made, state, rows, subjects) {
  const every = made.rows[state.rows || "clauses"].length;
  const what = state.rows === "cases" ? "case" : "clause";
  const some = rows.length === every ? plural(every, what) : `${rows.length.toLocaleString("en")} of ${plural(every, what)}`;
  return `${some}, ${plural(subjects.length, "run")}`;
}
