import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { anchorsOf } from "../../../checks/markdown.mjs";
import { repositoryDir } from "../../../local/repository.ts";
import { promtool } from "../../support/promtool.ts";
import { readComposeFile } from "../compose-file.ts";
import { OBSERVABILITY_DIR, RULE_FILES, shippedAlerts } from "./shipped.ts";

describe("the rules that are shipped for Prometheus", () => {
  it("are valid, and each alert fires for what it is about: promtool check rules, promtool test rules", async () => {
    const files = RULE_FILES.map((file) => join(OBSERVABILITY_DIR, file));
    const checked = await promtool(["check", "rules", ...files]);
    expect(checked.ok, checked.told).to.equal(true);
    const tested = await promtool(["test", "rules", join(OBSERVABILITY_DIR, "alerts.test.yml")]);
    expect(tested.ok, tested.told).to.equal(true);
  });

  it("each alert has a test of promtool, a severity and a runbook that exists", () => {
    const { tests } = parse(readFileSync(join(OBSERVABILITY_DIR, "alerts.test.yml"), "utf8")) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const fired = new Set(
      tests
        .flatMap((one) => one.alert_rule_test)
        .filter((one) => one.exp_alerts.length > 0)
        .map((one) => one.alertname),
    );
    for (const { alert, labels, annotations } of shippedAlerts()) {
      expect(labels.severity, alert).to.be.oneOf(["page", "warning", "info"]);
      const [page = "", anchor = ""] = annotations.runbook_url.split("#");
      const anchors = anchorsOf(readFileSync(join(repositoryDir, page), "utf8"));
      expect([...anchors], `${alert}: the runbook`).to.include(anchor);
      expect([...fired], "alerts that fire in alerts.test.yml").to.include(alert);
    }
  });

  it("Prometheus and Grafana of docker-compose.yml have each file of them where its configuration names it", () => {
    const { services } = readComposeFile();
    const targetsOf = (name: string) => {
      const service = services.find((one) => one.name === name);
      return new Map(service?.mounts.map(({ target, file }) => [target, file]));
    };
    const prometheus = targetsOf("prometheus");
    const { rule_files: rules } = parse(readFileSync(join(repositoryDir, "deploy/prometheus.yml"), "utf8"));
    expect(rules).to.deep.equal(RULE_FILES);
    for (const file of RULE_FILES)
      expect(prometheus.get(`/etc/prometheus/${file}`)).to.include(`deploy/observability/${file}`);
    const grafana = targetsOf("grafana");
    const provider = parse(readFileSync(join(OBSERVABILITY_DIR, "grafana", "dashboards.yml"), "utf8"));
    const folder: string = provider.providers[0].options.path;
    expect(grafana.get(`${folder}/launch.json`)).to.include("grafana/launch.json");
    const { datasources } = parse(readFileSync(join(OBSERVABILITY_DIR, "grafana", "datasource.yml"), "utf8"));
    const dashboard = readFileSync(join(OBSERVABILITY_DIR, "grafana", "launch.json"), "utf8");
    expect(new Set(dashboard.match(/(?<="type":"prometheus","uid":"|"uid": ")[^"]+/g))).to.include(
      datasources[0].uid,
    );
  });
});
