import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { repositoryDir } from "../../../local/repository.ts";

/** What `deploy/observability` ships. */
export const OBSERVABILITY_DIR = join(repositoryDir, "deploy", "observability");
export const RULE_FILES = ["recording.yml", "alerts.yml"] as const;

const read = (...path: string[]) => readFileSync(join(OBSERVABILITY_DIR, ...path), "utf8");

export type Query = { readonly panel: string; readonly title: string; readonly expr: string };
type Panel = { title: string; targets?: { expr: string; legendFormat: string }[]; panels?: Panel[] };

/** Every query of every panel of the dashboard, as Grafana has it. */
export function dashboardQueries(): Query[] {
  const { panels } = JSON.parse(read("grafana", "launch.json")) as { panels: Panel[] };
  const ofPanel = ({ title, targets = [], panels: inner = [] }: Panel): Query[] => [
    ...targets.map(({ expr, legendFormat }) => ({ panel: title, title: legendFormat, expr })),
    ...inner.flatMap(ofPanel),
  ];
  return panels.flatMap(ofPanel);
}

/** A query as Grafana sends it. */
export function asSent(expr: string, rateInterval: string, campaign = ".*"): string {
  return expr.replaceAll("$__rate_interval", rateInterval).replaceAll("$campaign", campaign);
}

export type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<"summary" | "description" | "runbook_url", string>>;
};

export function shippedAlerts(): Alert[] {
  const { groups } = parse(read("alerts.yml")) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}
