// The packed reports of this page, unpacked: sheets of subjects and rows, and what each case said.
// ocivalidate/matrix/packing.py is the other half of this file.

// A letter of a subject's string of outcomes; where it is a capital, something was said.
const LETTERS = { f: "fail", k: "xfail", e: "error", u: "xpass", p: "pass", s: "skip", ".": "absent" };

export const WORDS = {
  fail: "failed", xfail: "failed, as is known", error: "could not be judged", xpass: "passed, though a failure is known",
  pass: "passed", skip: "not judged", absent: "not judged",
};
export const SIGNS = { fail: "✗", xfail: "✗", error: "!", xpass: "✓", pass: "✓", skip: "–", absent: "·" };

export const isPassed = (outcome) => outcome === "pass" || outcome === "xpass";
export const isFailed = (outcome) => outcome === "fail" || outcome === "xfail";

export function unpack(packed) {
  const rank = new Map(packed.worst.map((outcome, number) => [outcome, number]));
  return { ...packed, rank, sheets: packed.sheets.map((one) => sheet(one, packed.strings, rank)) };
}

function sheet(packed, strings, rank) {
  const clauses = packed.clauses.map(([id, area, level, summary, platform, since, until, url, page]) => ({
    id, area: packed.areas[area], level, summary, platform, since, until, url, page,
  }));
  const subjects = packed.subjects.map((one, number) => subject(one, number, packed.clauses.length));
  const made = { ...packed, clauses, subjects, strings, rank };
  made.rows = { clauses: clauseRows(made), cases: caseRows(made) };
  made.byId = { clauses: byId(made.rows.clauses), cases: byId(made.rows.cases) };
  made.byLabel = new Map(subjects.map((one) => [one.label, one]));
  return made;
}

function byId(rows) {
  return new Map(rows.map((row) => [row.id, row]));
}

function subject(packed, number) {
  const outcomes = [], details = [];
  let next = 0;
  for (const letter of packed.outcomes) {
    const small = letter.toLowerCase();
    outcomes.push(LETTERS[small]);
    details.push(letter === small ? 0 : packed.said[next++]);
  }
  return { ...packed, number, outcomes, details };
}

function clauseRows(made) {
  const rows = made.clauses.map((clause, number) => ({
    id: clause.id, area: clause.area, clauses: [clause], pairs: [], number, summary: clause.summary,
  }));
  made.pairs.forEach(([clause], pair) => rows[clause].pairs.push(pair));
  return rows;
}

function caseRows(made) {
  const rows = new Map();
  made.pairs.forEach(([clause, number], pair) => {
    const id = made.cases[number];
    if (!id) return;
    if (!rows.has(id)) rows.set(id, { id, area: id.split(".")[0], clauses: [], pairs: [], number: -1, summary: "" });
    const row = rows.get(id);
    row.pairs.push(pair);
    row.clauses.push(made.clauses[clause]);
  });
  return [...rows.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

// What a row came to for a subject: the worst of its cases.
export function outcomeOf(made, row, subject) {
  row.outcomes ||= [];
  return (row.outcomes[subject.number] ||= worstOf(made, row, subject));
}

function worstOf(made, row, subject) {
  let found = "absent";
  for (const pair of row.pairs) {
    if (made.rank.get(subject.outcomes[pair]) < made.rank.get(found)) found = subject.outcomes[pair];
  }
  return found;
}

// Each case and clause of a row, as the subject did it, the worst first.
export function pointsOf(made, row, subject) {
  const found = row.pairs.filter((pair) => subject.outcomes[pair] !== "absent").map((pair) => point(made, pair, subject));
  return found.sort((one, other) => made.rank.get(one.outcome) - made.rank.get(other.outcome));
}

export function point(made, pair, subject) {
  const [clause, number] = made.pairs[pair];
  const [said, more, dump] = made.details[subject.details[pair]];
  return {
    clause: made.clauses[clause], case: made.cases[number], outcome: subject.outcomes[pair], more,
    dump: made.strings[dump],
    said: said.map((parts) => {
      const [message, got, want, where] = parts.map((part) => made.strings[part]);
      return { message, got, want, where };
    }),
  };
}

// Why a clause was not judged at all.
export function reasonOf(made, row, subject) {
  const told = subject.absent.find(([, first, last]) => first <= row.number && row.number <= last);
  return told ? made.strings[told[0]] : "no case of this run is about it";
}

export function counted(made, rows, subject) {
  const found = { passed: 0, failed: 0, others: 0 };
  for (const row of rows) {
    const outcome = outcomeOf(made, row, subject);
    found[isPassed(outcome) ? "passed" : isFailed(outcome) ? "failed" : "others"] += 1;
  }
  return found;
}
