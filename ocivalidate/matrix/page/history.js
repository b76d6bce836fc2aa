// One runtime over its versions: how many clauses it keeps, and which of them it has not always kept.

import { el, svg } from "./dom.js";
import { SIGNS, WORDS, counted, isFailed, isPassed, outcomeOf } from "./data.js";
import { changesBetween } from "./changes.js";
import { shortName } from "./matrix.js";
import { otherView } from "./state.js";

export function historyView(data, made, state, go) {
  if (!made.subjects.length) return el("section", {}, el("h2", {}, "History"), el("p", {}, "Nothing was judged."));
  const names = [...new Set(made.subjects.map((one) => one.name))];
  const often = names.filter((name) => made.subjects.filter((one) => one.name === name).length > 1);
  const name = names.includes(state.runtime) ? state.runtime : often[0] || names[0];
  const own = made.subjects.filter((one) => one.name === name);
  return el("section", { "aria-labelledby": "history-title" },
    el("h2", { id: "history-title" }, `${name} over its versions`),
    el("div", { class: "filters" }, el("label", {}, el("span", {}, "Of"), el("select", {
      name: "runtime", "data-key": "history runtime", onchange: (event) => go({ runtime: event.target.value }),
    }, names.map((one) => el("option", { value: one, selected: one === name }, one))))),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Versions" }, versions(data, made, state, go, own)),
    movedClauses(made, state, go, own));
}

function versions(data, made, state, go, own) {
  const line = (one, number) => {
    // What the version before did on other control groups says little of this one.
    const count = counted(made, made.rows.clauses, one), before = own.slice(0, number).findLast((each) => each.mode === one.mode);
    const changes = before ? changesBetween(data, made, before, one) : [];
    const some = (kind) => changes.filter((each) => each.change === kind).length;
    return el("tr", {}, el("th", { scope: "row" }, one.short || one.label, one.stale ? el("span", { class: "quiet" }, " stale") : null),
      el("td", {}, one.release), el("td", {}, one.date), el("td", {}, bar(count)),
      [count.passed, count.failed, count.others].map((each) => el("td", { class: "number" }, String(each))),
      before ? [some("worse"), some("better")].map((each, place) => el("td", { class: "number" }, each ? el("button", {
        type: "button", class: "link", "data-key": `history ${number} ${place}`,
        "aria-label": `${each} got ${place ? "better" : "worse"} in ${one.label}`,
        onclick: () => go(otherView(state, "changes", { old: before.label, new: one.label, change: place ? "better" : "worse" })),
      }, String(each)) : "0")) : [el("td", {}), el("td", {})]);
  };
  return el("table", { class: "list" }, el("caption", { class: "hidden" }, "Clauses by version"),
    el("thead", {}, el("tr", {}, ["Version", "Release", "Date"].map((one) => el("th", { scope: "col" }, one)),
      el("th", { scope: "col" }, el("span", { class: "hidden" }, "Share")),
      ["Passed", "Failed", "Not judged", "Worse", "Better"].map((one) => el("th", { scope: "col", class: "number" }, one)))),
    el("tbody", {}, own.map(line)));
}

// A bar says again what the numbers beside it say.
function bar(count) {
  const every = count.passed + count.failed + count.others || 1, width = 160;
  let x = 0;
  const part = (kind, number) => {
    const size = (width * number) / every;
    const made = svg("rect", { class: kind, x: x.toFixed(1), y: 0, width: size.toFixed(1), height: 10 });
    x += size;
    return made;
  };
  return svg("svg", { class: "bar", viewBox: `0 0 ${width} 10`, width, height: 10, "aria-hidden": "true" },
    part("pass", count.passed), part("fail", count.failed), part("absent", count.others));
}

function movedClauses(made, state, go, own) {
  const judged = (row) => own.map((one) => outcomeOf(made, row, one)).filter((one) => isPassed(one) || isFailed(one));
  const moved = made.rows.clauses.filter((row) => new Set(judged(row).map(isFailed)).size > 1);
  if (!moved.length) return el("p", {}, "No clause was both kept and broken.");
  return [el("h3", {}, "Clauses that were kept by some versions and broken by others"),
    el("div", { class: "scroll fit", tabindex: "0", role: "region", "aria-label": "Clauses that changed" },
      el("table", { class: "matrix" },
        el("caption", { class: "hidden" }, "Clauses that changed"),
        el("thead", {}, el("tr", {}, el("td", { class: "corner" }), own.map((one) => el("th", { scope: "col", class: "version" }, el("span", {}, one.short || one.label))))),
        el("tbody", {}, moved.map((row) => el("tr", {}, el("th", { scope: "row" }, el("span", { class: "id" }, shortName(row.id)), el("span", { class: "summary" }, row.summary)),
          own.map((one) => {
            const outcome = outcomeOf(made, row, one);
            return el("td", {}, el("button", {
              type: "button", class: `cell ${outcome}`, "data-key": `history ${row.id}@${one.number}`,
              "aria-label": `${one.label}: ${WORDS[outcome]}`, onclick: () => go({ row: row.id, run: one.label, rows: "" }),
            }, SIGNS[outcome]));
          }))))))];
}
