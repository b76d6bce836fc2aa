// What the page shows is one flat object of texts, and stands in the fragment of its address.

export const VIEWS = ["matrix", "changes", "history", "times", "runs"];
const EMPTY = {
  view: "matrix", kind: "", rows: "", q: "", level: "", release: "", platform: "", outcome: "", hide: "", open: "",
  row: "", run: "", old: "", new: "", change: "", runtime: "",
};

const LONGEST = 10_000;  // letters of a value; the longest that the page writes is a list of its columns

// An address comes from anybody. What names nothing on the page means that nothing is chosen.
export function readState(fragment) {
  const [view, query] = fragment.replace(/^#\/?/, "").split("?", 2);
  const state = { ...EMPTY, view: VIEWS.includes(view) ? view : "matrix" };
  for (const [name, value] of new URLSearchParams(query || "")) {
    if (name !== "view" && Object.hasOwn(EMPTY, name)) state[name] = value.slice(0, LONGEST);
  }
  if (state.rows !== "cases") state.rows = "";
  return state;
}

export function writeState(state) {
  const query = new URLSearchParams();
  for (const name of Object.keys(EMPTY)) if (name !== "view" && state[name]) query.set(name, state[name]);
  const text = query.toString();
  return `#/${state.view}${text ? `?${text}` : ""}`;
}

// What a change of views leaves as it is.
export function otherView(state, view, change = {}) {
  return { ...state, view, row: "", run: "", ...change };
}

export const listed = (text) => (text ? text.split(",") : []);
