// How long the operations of each runtime take: medians, and the quartiles around them, on one scale for each operation.

import { el, svg } from "./dom.js";

const WIDTH = 420, ROW = 16;
const ORDER = ["create", "start", "state", "kill", "delete"];

export function timesView(data, made) {
  const timed = made.subjects.filter((one) => one.timings.length);
  if (!timed.length) {
    return el("section", {}, el("h2", {}, "Performance"), el("p", {}, "None of these reports says how long a runtime took."));
  }
  const met = new Set(timed.flatMap((one) => one.timings.map((each) => each[0])));
  const operations = [...ORDER.filter((one) => met.has(one)), ...[...met].filter((one) => !ORDER.includes(one)).sort()];
  return el("section", { "aria-labelledby": "times-title" }, el("h2", { id: "times-title" }, "Performance"),
    el("p", { class: "quiet" }, "Milliseconds as seen by the caller: the median, and between which values half of the calls lie. Runs on different hosts do not compare."),
    operations.map((operation) => operationTable(timed, operation)));
}

function operationTable(timed, operation) {
  const rows = timed.map((one) => [one, one.timings.find((each) => each[0] === operation)]).filter(([, found]) => found);
  const most = Math.max(...rows.map(([, found]) => found[4])) || 1;
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": operation }, el("table", { class: "list times" },
    el("caption", {}, operation),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Run"), el("th", { scope: "col", class: "number" }, "Median"),
      el("th", { scope: "col", class: "number" }, "Quartiles"), el("th", { scope: "col", class: "number" }, "Calls"),
      el("th", { scope: "col" }, el("span", { class: "hidden" }, "Picture")))),
    el("tbody", {}, rows.map(([one, [, calls, median, low, high]]) => el("tr", {}, el("th", { scope: "row" }, one.label),
      el("td", { class: "number" }, shown(median)), el("td", { class: "number" }, `${shown(low)} – ${shown(high)}`),
      el("td", { class: "number" }, String(calls)), el("td", {}, spread(low, median, high, most)))))));
}

function shown(seconds) {
  const milliseconds = seconds * 1000;
  return milliseconds.toFixed(milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0);
}

function spread(low, median, high, most) {
  const at = (seconds) => ((WIDTH - 8) * seconds) / most + 4;
  return svg("svg", { class: "spread", viewBox: `0 0 ${WIDTH} ${ROW}`, width: WIDTH, height: ROW, "aria-hidden": "true" },
    svg("line", { x1: 0, x2: WIDTH, y1: ROW / 2, y2: ROW / 2, class: "axis" }),
    svg("line", { x1: at(low), x2: at(high), y1: ROW / 2, y2: ROW / 2, class: "range" }),
    svg("circle", { cx: at(median), cy: ROW / 2, r: 3.5, class: "median" }));
}
