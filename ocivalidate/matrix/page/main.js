// From the address to what is shown, and from what is pressed to the address.

import { el, replace } from "./dom.js";
import { unpack } from "./data.js";
import { VIEWS, otherView, readState, writeState } from "./state.js";
import { filterForm, setForm, statusOf } from "./filters.js";
import { matrixTable } from "./matrix.js";
import { detail } from "./detail.js";
import { changesView } from "./changes.js";
import { historyView } from "./history.js";
import { timesView } from "./times.js";
import { runsView } from "./runs.js";

const TITLES = { matrix: "Matrix", changes: "Changes", history: "History", times: "Performance", runs: "Runs" };
const PAGES = { changes: changesView, history: historyView, times: timesView, runs: runsView };

const data = unpack(JSON.parse(document.getElementById("data").textContent));
const main = document.getElementById("main"), nav = document.getElementById("nav"), dialog = document.getElementById("detail");
const parts = {};  // the form, the status and the table of the matrix, which stay while only filters change
let state = readState(location.hash || data.start);

function go(change, quietly = false) {
  state = { ...state, ...change };
  const address = writeState(state);
  if (quietly) {
    history.replaceState(null, "", address);
    show();
  } else if (location.hash !== address) {
    location.hash = address;  // the event shows it
  }
}

function sheet() {
  return data.sheets.find((one) => one.kind === state.kind) || data.sheets[0];
}

function show() {
  const key = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : "";
  const made = sheet();
  showNav();
  if (state.view === "matrix") showMatrix(made);
  else {
    parts.form = null;
    replace(main, PAGES[state.view](data, made, state, go));
  }
  document.title = `${TITLES[state.view]} - ${data.title}`;
  const closed = showDetail(made, key);
  if (closed || key) focusKey(closed || key);
}

function showNav() {
  const links = VIEWS.map((view) => el("a", { href: writeState(otherView(state, view)), "aria-current": view === state.view ? "page" : null, "data-key": `view ${view}` }, TITLES[view]));
  replace(nav, links);
}

function showMatrix(made) {
  if (!parts.form || parts.made !== made || !parts.form.isConnected) {
    parts.made = made;
    parts.form = filterForm(data, made, go);
    parts.status = el("p", { role: "status", class: "quiet" });
    parts.folds = el("span", { class: "folds" },
      el("button", { type: "button", name: "expand", onclick: () => go({ open: "*" }) }, "Open all"),
      el("button", { type: "button", name: "collapse", onclick: () => go({ open: "" }) }, "Close all"));
    parts.scroll = el("div", { class: "scroll fit tall", tabindex: "0", role: "region", "aria-label": "Results" });
    replace(main, el("h2", { class: "hidden" }, "Matrix"), parts.form, el("div", { class: "above" }, parts.status, legend(), parts.folds), parts.scroll);
  }
  setForm(parts.form, made, state);
  const { table, rows, subjects } = matrixTable(made, state, go);
  const said = statusOf(made, state, rows, subjects);
  if (parts.status.textContent !== said) parts.status.textContent = said;
  replace(parts.scroll, rows.length ? table : el("p", { class: "empty" }, "Nothing fits these filters."));
}

function legend() {
  const entry = (kind, sign, words) => el("li", {}, el("span", { class: `sign ${kind}`, "aria-hidden": "true" }, sign), ` ${words}`);
  return el("ul", { class: "legend", "aria-label": "Signs" }, entry("pass", "✓", "passed"), entry("fail", "✗", "failed"), entry("xfail", "✗", "known failure"),
    entry("error", "!", "could not be judged"), entry("skip", "–", "not judged"), entry("absent", "·", "no case"));
}

// Opens, fills or closes the dialog; when it is closed, the key of what had the focus before.
function showDetail(made, key) {
  const shown = state.row && state.run ? detail(data, made, state, go) : null;
  if (!shown) {
    if (!dialog.open) return "";
    dialog.close();
    return parts.opener;
  }
  replace(dialog, shown);
  if (!dialog.open) {
    parts.opener = key;
    dialog.showModal();
  }
  dialog.scrollTop = 0;
  dialog.querySelector("h2").focus();
  return "";
}

function focusKey(key) {
  const found = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (found && !dialog.open) {
    if (found.matches("button.cell")) {
      for (const one of document.querySelectorAll('button.cell[tabindex="0"]')) one.tabIndex = -1;
      found.tabIndex = 0;
    }
    found.focus({ preventScroll: true });
  }
}

// Escape closes the dialog by itself: the address has to follow, and the focus goes back where it was.
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  go({ row: "", run: "" });
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) go({ row: "", run: "" });
});
document.querySelector(".jump").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => {
  state = readState(location.hash || data.start);
  show();
});
document.documentElement.classList.add("alive");
show();
