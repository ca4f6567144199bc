import { expect } from "chai";
import { addTickGauges, createMetrics } from "../../runtime/metrics.ts";
import { createPrimaryMetrics } from "../../runtime/primary-metrics.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { promtool } from "../support/promtool.ts";

describe("metrics", () => {
  it("have names, units and suffixes by the rules of Prometheus: promtool check metrics", async () => {
    const { registry, redisSizes } = createMetrics();
    addTickGauges(registry, () => 1_000, fakeClock());
    redisSizes(() => ({ commands: 0, inTrouble: 0 }));
    for (const page of [registry, createPrimaryMetrics().registry]) {
      const text = await page.metrics();
      expect(text).to.include("# TYPE coupon_");
      expect(await promtool(["check", "metrics"], text)).to.deep.equal({ ok: true, told: "" });
    }
  });

  it("a store that has not answered for long is not up; the other one, that is not asked meanwhile, is", async () => {
    const clock = fakeClock();
    const { registry, storeAnswers } = createMetrics(clock);
    const up = async () => (await registry.getSingleMetricAsString("coupon_store_up")).split("\n").slice(2);
    const [redis, mongodb] = ['coupon_store_up{store="redis"}', 'coupon_store_up{store="mongodb"}'];
    storeAnswers.asked("redis");
    expect(await up(), "nothing is known yet").to.deep.equal([]);
    for (const store of ["redis", "mongodb"] as const) storeAnswers.answered(store);
    storeAnswers.asked("mongodb");
    clock.pass(5_000);
    expect(await up()).to.deep.equal([`${redis} 1`, `${mongodb} 1`]);
    clock.pass(1);
    expect(await up()).to.deep.equal([`${redis} 1`, `${mongodb} 0`]);
    storeAnswers.answered("mongodb");
    storeAnswers.failed("redis");
    expect(await up()).to.deep.equal([`${redis} 0`, `${mongodb} 1`]);
  });

  it("each kind of alarm is on the page before it is raised: to Prometheus the first one is a rise", async () => {
    const { registry, alarms } = createMetrics();
    const told = async () =>
      (await registry.getSingleMetricAsString("coupon_alarms_total")).split("\n").slice(2);
    const kinds = ["books_differ", "code-taken", "key-taken", "place-taken"];
    expect(await told()).to.deep.equal(kinds.map((kind) => `coupon_alarms_total{kind="${kind}"} 0`));
    alarms.inc({ kind: "key-taken" });
    expect(await told())
      .to.include('coupon_alarms_total{kind="key-taken"} 1')
      .and.to.have.length(kinds.length);
  });

  it("the last tick is an instant of the wall clock, absent before the first one", async () => {
    const clock = fakeClock({ startMs: 1_800_000_000_000 });
    const { registry } = createMetrics(clock);
    let sinceMs: number | undefined;
    addTickGauges(registry, () => sinceMs, clock);
    const name = "coupon_scheduler_last_tick_timestamp_seconds";
    const told = async () => (await registry.getSingleMetricAsString(name)).split("\n").slice(2);
    expect(await told()).to.deep.equal([]);
    sinceMs = 250;
    expect(await told()).to.deep.equal([`${name} 1799999999.75`]);
  });
});
