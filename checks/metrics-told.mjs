/** Compares the tables of metrics on docs/observability.md with the metrics that processes have. */
import { codeSpansOf, differences, tablesOf } from "./markdown.mjs";

const PAGE = "docs/observability.md";

/** @typedef {{ name: string, type: string, labels: readonly string[] }} Metric */

/**
 * @param {string} page docs/observability.md
 * @param {readonly Metric[]} metrics
 * @returns {string[]} what is wrong
 */
export function metricsTold(page, metrics) {
  const told = tablesOf(page)
    .filter(({ head }) => head[0] === "metric")
    .flatMap(({ rows }) => rows)
    .map(([name = "", type = "", labels = ""]) => ({
      name: codeSpansOf(name)[0] ?? name,
      facts: factsOf(type, codeSpansOf(labels)),
    }));
  const wrong = differences({
    ...{ page: PAGE, kind: "metric" },
    told: told.map(({ name }) => name),
    true: metrics.map(({ name }) => name),
  });
  for (const { name, type, labels } of metrics) {
    const real = factsOf(type, labels);
    const row = told.find((one) => one.name === name);
    if (row !== undefined && row.facts !== real)
      wrong.push(`${PAGE} has ${name} as ${row.facts}: it is ${real}`);
  }
  return wrong;
}

/**
 * @param {string} type
 * @param {readonly string[]} labels
 */
function factsOf(type, labels) {
  return labels.length === 0 ? type : `${type} by ${labels.join(", ")}`;
}
