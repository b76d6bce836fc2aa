// Where everything comes from: each run with its host, its suite, and what is known of it beside its results.

import { el } from "./dom.js";
import { counted } from "./data.js";

const COLUMNS = [
  ["Release", (one) => one.release], ["Claims", (one) => one.claim], ["Date", (one) => one.date], ["Suite", (one) => one.suite],
  ["Kernel", (one) => [one.kernel, one.machine].filter(Boolean).join(" ")], ["Control groups", (one) => one.mode], ["From", (one) => one.source],
  ["Run by", (one) => one.submitter], ["Command", (one) => one.command],
];

const remarks = (one) => [one.problem, one.stale ? `stale: ${one.stale}` : "", one.clipped ? `${one.clipped} results left out` : ""].filter(Boolean).join("; ");
const digest = (one) => (one.digest ? el("code", { title: one.digest }, one.digest.replace(/^sha256:/, "").slice(0, 12)) : null);

export function runsView(data, made) {
  const some = (value) => made.subjects.some(value);
  const columns = COLUMNS.filter(([, value]) => some(value));
  const line = (one) => {
    const count = counted(made, made.rows.clauses, one);
    return el("tr", {}, el("th", { scope: "row" }, one.label),
      [count.passed, count.failed, count.others].map((each) => el("td", { class: "number" }, String(each))),
      columns.map(([, value]) => el("td", {}, value(one))),
      some(remarks) ? el("td", { class: "said" }, remarks(one)) : null,
      some((each) => each.digest) ? el("td", {}, digest(one)) : null);
  };
  return el("section", { "aria-labelledby": "runs-title" }, el("h2", { id: "runs-title" }, "Runs"),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of runs" }, el("table", { class: "list" },
      el("caption", { class: "hidden" }, "What was judged, where and when"),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Run"), ["Passed", "Failed", "Not judged"].map((one) => el("th", { scope: "col", class: "number" }, one)),
        columns.map(([name]) => el("th", { scope: "col" }, name)),
        some(remarks) ? el("th", { scope: "col" }, "Remarks") : null, some((each) => each.digest) ? el("th", { scope: "col" }, "Digest") : null)),
      el("tbody", {}, made.subjects.map(line)))),
    el("p", { class: "quiet" }, `Written by ocivalidate ${data.tool}. ${data.cut}`));
}
