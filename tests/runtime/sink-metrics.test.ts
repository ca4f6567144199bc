import { expect } from "chai";
import { Registry } from "prom-client";
import { addSinkMetrics, type SinkMetricsSource } from "../../runtime/sink-metrics.ts";
import { promtool } from "../support/promtool.ts";

type Status = ReturnType<SinkMetricsSource["status"]>[number];

const CRM: Status = {
  ...{ sink: "crm", kind: "webhook", state: "active", isHere: true, lagMs: 1_500, deadLetters: 2 },
};
const MAIL: Status = {
  ...{ sink: "mail", kind: "rabbitmq", state: "active", isHere: false, lagMs: 0, deadLetters: 0 },
};

describe("metrics of sinks", () => {
  let seen: readonly Status[];
  let figures: { sink: string; delivered: number; failed: number }[];
  let registry: Registry;

  beforeEach(() => {
    seen = [CRM, MAIL];
    figures = [];
    registry = new Registry();
    addSinkMetrics(registry, { status: () => seen, figures: () => figures });
  });

  const told = async (name: string) =>
    (await registry.getSingleMetricAsString(name)).split("\n").slice(2).filter(Boolean);

  it("have names, units and suffixes by the rules of Prometheus: promtool check metrics", async () => {
    expect(await promtool(["check", "metrics"], await registry.metrics())).to.deep.equal({
      ...{ ok: true, told: "" },
    });
  });

  it("counts of each sink are on the page before an attempt, also where another process delivers", async () => {
    for (const name of ["coupon_sink_deliveries_failed_total", "coupon_sink_events_delivered_total"])
      expect(await told(name)).to.deep.equal([`${name}{sink="crm"} 0`, `${name}{sink="mail"} 0`]);
    figures = [{ sink: "crm", delivered: 7, failed: 3 }];
    const failed = "coupon_sink_deliveries_failed_total";
    expect(await told(failed)).to.deep.equal([`${failed}{sink="crm"} 3`, `${failed}{sink="mail"} 0`]);
    const delivered = "coupon_sink_events_delivered_total";
    expect(await told(delivered)).to.include(`${delivered}{sink="crm"} 7`);
  });

  it("a sink has a lag while it is active, and its kind and state always", async () => {
    seen = [CRM, { ...MAIL, state: "paused" }, { ...MAIL, sink: "old", state: "paused" }];
    expect(await told("coupon_sink_lag_seconds")).to.deep.equal(['coupon_sink_lag_seconds{sink="crm"} 1.5']);
    await registry.metrics();
    seen = [CRM, { ...MAIL, state: "paused" }, { ...MAIL, sink: "old", state: "gone" }];
    expect(await told("coupon_sink_info"), "of the state that is, alone").to.deep.equal([
      'coupon_sink_info{sink="crm",kind="webhook",state="active"} 1',
      'coupon_sink_info{sink="mail",kind="rabbitmq",state="paused"} 1',
      'coupon_sink_info{sink="old",kind="rabbitmq",state="gone"} 1',
    ]);
    expect(await told("coupon_sink_dead_letters")).to.include('coupon_sink_dead_letters{sink="crm"} 2');
    expect(await told("coupon_sink_delivering")).to.include.members([
      'coupon_sink_delivering{sink="crm"} 1',
      'coupon_sink_delivering{sink="mail"} 0',
    ]);
  });

  it("a process that sees no sink says so, and a sink that is removed leaves the page", async () => {
    expect(await told("coupon_sinks")).to.deep.equal(["coupon_sinks 2"]);
    seen = [];
    expect(await told("coupon_sinks")).to.deep.equal(["coupon_sinks 0"]);
    expect(await told("coupon_sink_info")).to.deep.equal([]);
    expect(await told("coupon_sink_deliveries_failed_total")).to.deep.equal([]);
  });
});
