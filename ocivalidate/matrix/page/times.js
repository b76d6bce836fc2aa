// How long the operations of each runtime take: medians, and the quartiles around them, on one scale for each operation.

import { el, svg } from "./dom.js";

const WIDTH = 420, ROW = 16;
const ORDER = ["create", "start", "state", "kill", "delete"];

export function timesView(data, made) {
  const timed = made.subjects.filter((one) => one.timings.length);
  return el("section", { "aria-labelledby": "times-title" }, el("h2", { id: "times-title" }, "Performance"),
    data.benches.map(benchTables), timed.length ? timingTables(timed) : null,
    timed.length || data.benches.length ? null : el("p", {}, "None of these reports says how long a runtime took."));
}

const PHASES = { __proto__: null, alone: "one container at a time", cold: "with the program not in memory", parallel: "several containers at a time", memory: "memory" };

// What was measured for its own sake: runtimes in turns on one machine, with ratios to the first.
function benchTables(bench) {
  return [el("h3", {}, `Measured in turns: ${bench.title}`),
    bench.notes.length ? el("ul", { class: "notes" }, bench.notes.map((one) => el("li", {}, one))) : null,
    bench.measurements.map(([phase, operation, unit, spreads, ratios]) => {
      const rows = spreads.map((spread, number) => [bench.labels[number], spread, ratios.find((one) => one[0] === number)]).filter(([, spread]) => spread);
      return spreadTable(`${operation}, ${PHASES[phase] || phase}`, "Runtime", "Rounds", unit, rows.map(([label, [rounds, median, low, high], ratio]) => ({ label, calls: rounds, median, low, high, ratio })), ratios.length > 0);
    })];
}

function timingTables(timed) {
  const met = new Set(timed.flatMap((one) => one.timings.map((each) => each[0])));
  const operations = [...ORDER.filter((one) => met.has(one)), ...[...met].filter((one) => !ORDER.includes(one)).sort()];
  return [el("h3", {}, "While they were judged"),
    el("p", { class: "quiet" }, "As seen by the caller: the median, and between which values half of the calls lie. Runs on different hosts do not compare."),
    operations.map((operation) => {
      const rows = timed.map((one) => [one.label, one.timings.find((each) => each[0] === operation)]).filter(([, found]) => found);
      return spreadTable(operation, "Run", "Calls", "s", rows.map(([label, [, calls, median, low, high]]) => ({ label, calls, median, low, high })), false);
    })];
}

function spreadTable(caption, first, count, unit, rows, compared) {
  const most = Math.max(...rows.map((one) => one.high)) || 1;
  const number = (text) => el("th", { scope: "col", class: "number" }, text);
  const line = (one) => el("tr", {}, el("th", { scope: "row" }, one.label),
    el("td", { class: "number" }, shown(one.median, unit)), el("td", { class: "number" }, `${shown(one.low, unit)} – ${shown(one.high, unit)}`),
    el("td", { class: "number" }, String(one.calls)), compared ? el("td", { class: "number" }, ratioOf(one.ratio)) : null,
    el("td", {}, spread(one.low, one.median, one.high, most)));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, el("table", { class: "list times" },
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, first), number(`Median, ${unit === "s" ? "ms" : "MiB"}`), number("Quartiles"), number(count),
      compared ? number("Beside the first") : null, el("th", { scope: "col" }, el("span", { class: "hidden" }, "Picture")))),
    el("tbody", {}, rows.map(line))));
}

function ratioOf(ratio) {
  if (!ratio) return "";
  const [, median, low, high] = ratio;
  return `× ${median.toFixed(2)}${low === null || high === null ? "" : ` (${low.toFixed(2)} – ${high.toFixed(2)})`}`;
}

function shown(value, unit) {
  const amount = unit === "s" ? value * 1000 : value / 2 ** 20;
  return amount.toFixed(amount < 10 ? 2 : amount < 100 ? 1 : 0);
}

function spread(low, median, high, most) {
  const at = (seconds) => ((WIDTH - 8) * seconds) / most + 4;
  return svg("svg", { class: "spread", viewBox: `0 0 ${WIDTH} ${ROW}`, width: WIDTH, height: ROW, "aria-hidden": "true" },
    svg("line", { x1: 0, x2: WIDTH, y1: ROW / 2, y2: ROW / 2, class: "axis" }),
    svg("line", { x1: at(low), x2: at(high), y1: ROW / 2, y2: ROW / 2, class: "range" }),
    svg("circle", { cx: at(median), cy: ROW / 2, r: 3.5, class: "median" }));
}
