import { expect } from "chai";
import { createAttemptLog } from "../../claims/attempt-log.ts";
import type { Issue } from "../../claims/issue.ts";
import { createAttempts, type NewAttempt } from "../../record/attempts.ts";
import { PSEUDONYM_MARK } from "../../record/pseudonym.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const SOLD_OUT: Issue = { kind: "refused", refusal: { reason: "SOLD_OUT" } };

describe("the attempt log", () => {
  const stores = withStores();

  function logOf(around?: (write: () => Promise<void>) => Promise<void>) {
    const attempts = createAttempts(stores.db);
    const clock = fakeClock();
    const metrics = createMetrics();
    const written: (readonly NewAttempt[])[] = [];
    const write = async (batch: readonly NewAttempt[]) => {
      written.push(batch);
      await attempts.write(batch, 1_000);
    };
    const log = createAttemptLog({
      ...{ clock, metrics, logger: silentLogger, kept: 1_000 },
      attempts: { write: (batch) => around?.(() => write(batch)) ?? write(batch) },
    });
    const lost = async (why: string) =>
      (await metrics.attemptsLost.get()).values.find(({ labels }) => labels.why === why)?.value ?? 0;
    const asked = (userId: string) => ({ campaignId: "c", userId, requestId: "", tookMs: 1 });
    return { log, clock, written, lost, asked };
  }
  const issued = (claimKey: string, seq: number, replayed = false): Issue => ({
    ...{ kind: "issued", replayed },
    coupon: { campaignId: "c", claimKey, userId: "", code: `가${seq}`, generation: 1, seq, issuedAtMs: 1 },
  });

  it("keeps all winners, and a fair sample of all others: nobody is the last one by rule", async () => {
    const { log, written, lost, asked } = logOf();
    for (let i = 0; i < 150; i++) log.note(asked(`w${i}`), issued(`w${i}`, i + 1));
    for (let i = 0; i < 5_000; i++) log.note(asked(`l${i}`), SOLD_OUT);
    await log.stop();
    const [batch = []] = written;
    expect(batch.filter(({ outcome }) => outcome === "issued")).to.have.length(150);
    const sample = batch
      .filter(({ outcome }) => outcome === "sold_out")
      .map(({ userId }) => Number(userId.slice(1)));
    expect(sample).to.have.length(100);
    // By chance alone, a hundred of 5,000 are never all of the first or of the last half.
    expect([sample.some((i) => i < 2_500), sample.some((i) => i >= 2_500)]).to.deep.equal([true, true]);
    expect(await lost("sampled")).to.equal(4_900);
  });

  it("drops and counts what the store does not take, and goes on", async () => {
    let isDown = true;
    const { log, written, lost, asked } = logOf((write) =>
      isDown ? Promise.reject(new Error("away")) : write(),
    );
    log.note(asked("a"), issued("a", 1_001));
    log.note(asked("b"), SOLD_OUT);
    await log.stop();
    expect([await lost("store"), written]).to.deep.equal([2, []]);
    isDown = false;
    log.note(asked("c"), issued("c", 1_002));
    await log.stop();
    expect(written.flat().map(({ userId }) => userId)).to.deep.equal(["c"]);
  });

  it("is bounded while no write ends", async () => {
    const { log, lost, asked } = logOf();
    for (let i = 0; i < 2_500; i++) log.note(asked(`w${i}`), issued(`w${i}`, 10_000 + i));
    expect(await lost("full")).to.equal(500);
    await log.stop();
  });

  it("keeps nothing of an erased user's coupon, and nothing of a campaign that there is not", async () => {
    const { log, written, asked } = logOf();
    log.note(asked("a"), issued(`${PSEUDONYM_MARK}x`, 1, true));
    log.note(asked("a"), { kind: "refused", refusal: { reason: "UNKNOWN_CAMPAIGN" } });
    await log.stop();
    expect(written).to.deep.equal([]);
  });
});
