/**
 * Judges the report of `npm audit --json` (version 2) against a list of advisories that are accepted until a
 * date. Source of the format: npm's own documentation, "npm audit", auditReportVersion 2.
 */

/**
 * @typedef {{ id: string, until: string, why: string }} Accepted `id`: `GHSA-…`; `until`: the last day on
 * which the advisory is accepted, `YYYY-MM-DD`.
 * @typedef {{ kind: "judged", wrong: readonly string[] } | { kind: "not-judged", why: string }} Judgment
 */

const ID = /^GHSA(?:-[0-9a-z]{4}){3}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * @param {unknown} report what npm printed, parsed
 * @param {readonly Accepted[]} accepted
 * @param {Date} now
 * @returns {Judgment} `not-judged`: the registry has no advisories, so nothing is known
 */
export function judgeAdvisories(report, accepted, now) {
  const told = /** @type {{ vulnerabilities?: object, message?: unknown, error?: { summary?: unknown } }} */ (
    report
  );
  if (told?.vulnerabilities === undefined) {
    return {
      kind: "not-judged",
      why: String(told?.message ?? told?.error?.summary ?? "npm printed no report"),
    };
  }
  const today = now.toISOString().slice(0, 10);
  const wrong = [];
  /** @type {Set<string>} */
  const found = new Set();
  for (const { id, severity, title, name } of advisoriesOf(told.vulnerabilities)) {
    found.add(id);
    const entry = accepted.find((one) => one.id === id);
    if (entry === undefined) wrong.push(`${id} (${severity}) in ${name}: ${title}`);
    else if (entry.until < today) wrong.push(`${id} in ${name}: it was accepted until ${entry.until}`);
  }
  for (const { id, until, why } of accepted) {
    if (!ID.test(id)) wrong.push(`advisories.json: ${id} is no id such as GHSA-xxxx-xxxx-xxxx`);
    if (!DAY.test(until)) wrong.push(`advisories.json: ${id}: until must be a day, YYYY-MM-DD`);
    if (why.trim() === "") wrong.push(`advisories.json: ${id}: why must not be empty`);
    if (!found.has(id)) wrong.push(`advisories.json: ${id} is not found any more: remove it`);
  }
  return { kind: "judged", wrong };
}

/**
 * @param {object} vulnerabilities by package; `via` holds advisories, and names of packages that have them
 * @returns {{ id: string, severity: string, title: string, name: string }[]} each advisory once
 */
function advisoriesOf(vulnerabilities) {
  const all = new Map();
  for (const { via } of Object.values(vulnerabilities)) {
    for (const one of Array.isArray(via) ? via : []) {
      if (typeof one !== "object" || one === null) continue;
      const { url = "", severity = "unknown", title = "", name = "" } = one;
      const id = String(url).split("/").at(-1) ?? "";
      all.set(`${id} ${name}`, { id, severity: String(severity), title: String(title), name: String(name) });
    }
  }
  return [...all.values()];
}
