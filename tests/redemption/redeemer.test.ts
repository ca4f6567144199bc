import { randomUUID } from "node:crypto";
import { expect } from "chai";
import { MongoNetworkError, MongoServerError } from "mongodb";
import { createPseudonyms, type Pseudonyms } from "../../campaign/erasure/pseudonyms.ts";
import { CircuitOpen } from "../../claims/breaker.ts";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import type { RedemptionDoc, RedemptionRulesDoc } from "../../record/redemption-documents.ts";
import { createRedemptions, type Redemptions } from "../../record/redemptions.ts";
import type { Ask } from "../../redemption/judge.ts";
import { createRedeemer, type Outcome, type Redeemer } from "../../redemption/redeemer.ts";
import { systemClock } from "../../runtime/clock.ts";
import { HANG_MS } from "../support/patience.ts";
import { withStores } from "../support/with-stores.ts";

const ISSUED_MS = Date.parse("2026-01-01T00:00:00Z");
const CALLERS = 50;

describe("redeemer, on a real MongoDB", function () {
  this.timeout(HANG_MS);
  const stores = withStores();
  /** MongoDB's clock, as far as redemptions are concerned; undefined: the real one. */
  let now: Date | undefined;
  let repeats = 0;

  beforeEach(() => {
    now = undefined;
    repeats = 0;
  });

  const onRepeat = () => {
    repeats += 1;
  };
  const redemptionsHere = () => createRedemptions(stores.db, () => now ?? "$$NOW");

  function redeemerOf(
    redemptions: Redemptions = redemptionsHere(),
    deadlineMs = HANG_MS / 2,
    pseudonyms?: Pseudonyms,
  ): Redeemer {
    return createRedeemer({
      ...{ redemptions, read: (call) => call(), admitWrite: () => undefined },
      ...{ clock: systemClock, deadlineMs, onRepeat, pseudonyms },
    });
  }

  /** An issued coupon of a campaign of its own. */
  async function issued(redemption: RedemptionRulesDoc = {}, claim: Partial<IssuanceDoc> = {}) {
    const campaignId = `C${randomUUID()}`;
    const code = `가${randomUUID()}`;
    const { db } = stores;
    await db.collection<Partial<CampaignDoc> & { _id: string }>("campaigns").insertOne({
      ...{ _id: campaignId, name: "redeemed", onePerUser: true, redemption },
    });
    await db.collection<IssuanceDoc>("issuances").insertOne({
      ...{ _id: code, campaignId, claimKey: "alice", generation: 1, seq: 1, issuedAt: new Date(ISSUED_MS) },
      ...claim,
    });
    return { coupon: { code, campaignId: undefined, user: undefined }, campaignId, code };
  }

  const recorded = (code: string) =>
    stores.db.collection<RedemptionDoc>("redemptions").findOne({ _id: code });

  const told = (outcome: Outcome) =>
    outcome.kind === "refused"
      ? outcome.refusal.reason
      : `${outcome.use?.state}${outcome.replayed ? " again" : ""}`;
  const reserve = (key: string, timeoutMs = 60_000): Ask => ({ verb: "reserve", key, by: "shop", timeoutMs });
  const redeem = (key: string): Ask => ({ verb: "redeem", key, by: "shop" });
  const confirm = (key: string): Ask => ({ verb: "confirm", key });
  const cancel = (key: string): Ask => ({ verb: "cancel", key, by: "shop" });
  const count = (answers: readonly string[], answer: string) =>
    answers.filter((one) => one === answer).length;

  for (const max of [1, 3])
    it(`of ${CALLERS} callers on two servers that redeem one code at once, ${max} do`, async () => {
      const { coupon, code } = await issued({ max });
      const servers = [redeemerOf(), redeemerOf()];
      const answers = await Promise.all(
        Array.from({ length: CALLERS }, async (_, i) =>
          told((await servers[i % 2]?.change(coupon, redeem(`key-${i}`))) as Outcome),
        ),
      );
      expect(count(answers, "confirmed")).to.equal(max);
      expect(count(answers, "REDEEMED")).to.equal(CALLERS - max);
      expect(repeats, "they raced").to.be.greaterThan(0);
      const doc = await recorded(code);
      expect(doc?.uses.map(({ state }) => state)).to.deep.equal(
        Array.from({ length: max }, () => "confirmed"),
      );
    });

  it("of callers that reserve, confirm or cancel at random, none loses what it was told", async () => {
    const { coupon, code } = await issued({ max: 3 });
    const redeemer = redeemerOf();
    const confirmed: string[] = [];
    await Promise.all(
      Array.from({ length: CALLERS }, async (_, i) => {
        const key = `key-${i}`;
        if (told(await redeemer.change(coupon, reserve(key))) !== "reserved") return;
        const ask = i % 2 === 0 ? confirm(key) : cancel(key);
        if (told(await redeemer.change(coupon, ask)) === "confirmed") confirmed.push(key);
      }),
    );
    const kept = (await recorded(code))?.uses.filter(({ state }) => state === "confirmed") ?? [];
    expect(kept.map(({ key }) => key)).to.have.members(confirmed);
    expect(kept.length).to.be.at.most(3);
  });

  it("callers with the same key, all at once, have one redemption", async () => {
    const { coupon, code } = await issued();
    const redeemer = redeemerOf();
    const answers = await Promise.all(
      Array.from({ length: CALLERS }, async () => told(await redeemer.change(coupon, redeem("one")))),
    );
    expect(count(answers, "confirmed")).to.equal(1);
    expect(count(answers, "confirmed again")).to.equal(CALLERS - 1);
    expect((await recorded(code))?.revision).to.equal(1);
  });

  it("a confirmation that races its time-out wins or loses as a whole, by MongoDB's clock alone", async () => {
    const { coupon, code } = await issued();
    now = new Date(ISSUED_MS);
    const other = redeemerOf();
    await other.change(coupon, reserve("a", 1_000));
    const real = redemptionsHere();
    // The clock reaches the time-out after the decision, and before its write.
    const late = redeemerOf({
      ...real,
      write(...args) {
        now = new Date(ISSUED_MS + 1_000);
        return real.write(...args);
      },
    });
    now = new Date(ISSUED_MS + 999);
    expect(told(await late.change(coupon, confirm("a")))).to.equal("RESERVATION_OVER");
    expect((await recorded(code))?.uses[0]?.state, "nothing was written").to.equal("reserved");
    expect(told(await other.change(coupon, reserve("b")))).to.equal("reserved");
    expect(told(await other.change(coupon, confirm("a")))).to.equal("RESERVATION_OVER");
    expect(told(await other.change(coupon, confirm("b")))).to.equal("confirmed");
  });

  it("the first redemption that comes too late for the validity writes nothing that counts", async () => {
    const validUntil = new Date(ISSUED_MS + 1_000);
    const { coupon, code } = await issued({ validUntil });
    const real = redemptionsHere();
    const late = redeemerOf({
      ...real,
      write(...args) {
        now = validUntil;
        return real.write(...args);
      },
    });
    now = new Date(ISSUED_MS + 999);
    expect(told(await late.change(coupon, redeem("a")))).to.equal("VALIDITY_OVER");
    expect((await recorded(code))?.uses).to.deep.equal([]);
    now = new Date(ISSUED_MS);
    const [first] = await Promise.all([redeemerOf().change(coupon, redeem("b"))]);
    expect(told(first), "an empty document is no obstacle").to.equal("confirmed");
  });

  /** What may happen to a write, and whether it is written all the same. */
  const lost = () => new MongoNetworkError("connection lost");
  const unmet = () => new MongoServerError({ message: "waiting for replication timed out", code: 64 });
  for (const [words, error, isRepeated] of [
    ["a lost connection", lost, true],
    ["an unmet write concern", unmet, false],
  ] as const)
    for (const isWritten of [true, false])
      for (const verb of ["reserve", "confirm", "cancel", "redeem", "void"] as const)
        it(`${verb}: ${words}, ${isWritten ? "after" : "before"} the write, is ${isRepeated ? "found out" : "uncertain"}; the same key makes it whole`, async () => {
          const { coupon, code } = await issued();
          const real = redemptionsHere();
          const whole = redeemerOf();
          const asks = {
            ...{ reserve: reserve("a"), confirm: confirm("a"), cancel: cancel("a"), redeem: redeem("a") },
            void: { verb: "void", actor: "kim", reason: undefined, cancelReservations: false },
          } as const;
          if (verb === "confirm" || verb === "cancel") await whole.change(coupon, reserve("a"));
          let failed = 0;
          const failing = redeemerOf({
            ...real,
            async write(...args) {
              if (failed++ > 0) return real.write(...args);
              if (isWritten) await real.write(...args);
              throw error();
            },
          });
          const first = await failing
            .change(coupon, asks[verb])
            .then(told, (thrown: Error) => thrown.message);
          if (!isRepeated) expect(first).to.equal(unmet().message);
          const again = await whole.change(coupon, asks[verb]);
          expect(again.kind).to.equal("done");
          const doc = await recorded(code);
          const wanted = {
            reserve: "reserved",
            confirm: "confirmed",
            cancel: "cancelled",
            redeem: "confirmed",
          };
          if (verb === "void") expect([doc?.voided, doc?.voidChanges.length]).to.deep.equal([true, 1]);
          else expect(doc?.uses.map(({ key, state }) => [key, state])).to.deep.equal([["a", wanted[verb]]]);
        });

  it("a write that takes effect only after its caller gave up comes too late for the next one's", async () => {
    const { coupon, code } = await issued();
    const real = redemptionsHere();
    let delayed: (() => Promise<boolean>) | undefined;
    const hanging = redeemerOf(
      {
        ...real,
        write(...args) {
          delayed = () => real.write(...args);
          return new Promise(() => undefined);
        },
      },
      50,
    );
    const failure = await hanging.change(coupon, reserve("a")).catch((error: unknown) => error);
    expect(failure).to.have.property("name", "DeadlineExceeded");
    expect(told(await redeemerOf().change(coupon, cancel("a")))).to.equal("cancelled");
    expect(await delayed?.(), "the old write").to.equal(false);
    expect((await recorded(code))?.uses.map(({ state }) => state)).to.deep.equal(["cancelled"]);
  });

  it("no refusal is answered while a write of the same call may still be made", async () => {
    const { coupon } = await issued();
    const real = redemptionsHere();
    const redeemer = redeemerOf({
      ...real,
      async write() {
        // Somebody else has it by the time the outcome is looked for.
        await redeemerOf().change(coupon, redeem("other"));
        throw lost();
      },
    });
    const failure = await redeemer.change(coupon, redeem("a")).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(MongoNetworkError);
  });

  it("tries nothing while MongoDB takes no durable writes", async () => {
    const { coupon, code } = await issued();
    const redeemer = createRedeemer({
      ...{ redemptions: redemptionsHere(), read: (call) => call(), clock: systemClock, deadlineMs: 1_000 },
      admitWrite() {
        throw new CircuitOpen("away");
      },
    });
    const failure = await redeemer.change(coupon, redeem("a")).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(CircuitOpen);
    expect(await recorded(code)).to.equal(null);
  });

  it("a coupon that is bound to its user is like none for another one, in any spelling", async () => {
    const name = "홍길동";
    const { coupon, code, campaignId } = await issued(
      { boundToUser: true },
      { claimKey: name.normalize("NFC") },
    );
    const redeemer = redeemerOf();
    const as = (id: string) => ({ ...coupon, user: { id } });
    for (const id of ["", "bob", "alice"]) {
      expect(told(await redeemer.change(as(id), redeem("a"))), id).to.equal("NO_COUPON");
      expect((await redeemer.validate(as(id)))?.reason).to.equal("NO_COUPON");
    }
    expect(await recorded(code), "nothing was written").to.equal(null);
    const elsewhere = { ...as(name), campaignId: "another" };
    expect(told(await redeemer.change(elsewhere, redeem("a")))).to.equal("NO_COUPON");
    const within = { ...as(name.normalize("NFD")), campaignId };
    expect(await redeemer.validate(within)).to.equal(undefined);
    expect(told(await redeemer.change(within, redeem("a")))).to.equal("confirmed");
  });

  it("a bound coupon of an erased user is redeemed with the key of that erasure, and not refused for good without", async () => {
    const pseudonyms = createPseudonyms("k".repeat(64));
    const { coupon, code, campaignId } = await issued({ boundToUser: true });
    const { db } = stores;
    await db
      .collection<IssuanceDoc>("issuances")
      .updateOne({ _id: code }, { $set: { claimKey: pseudonyms.of(campaignId, "alice") } });
    await db
      .collection<CampaignDoc>("campaigns")
      .updateOne({ _id: campaignId }, { $set: { erasure: { key: pseudonyms.fingerprint, at: new Date() } } });
    const as = (id: string) => ({ ...coupon, user: { id } });
    for (const other of [undefined, createPseudonyms("o".repeat(64))]) {
      const redeemer = redeemerOf(undefined, undefined, other);
      for (const id of ["alice", "bob"]) {
        expect(told(await redeemer.change(as(id), redeem("a")))).to.equal("OVERLOADED");
        expect((await redeemer.validate(as(id)))?.reason).to.equal("OVERLOADED");
      }
      expect(told(await redeemer.change(as(""), redeem("a")))).to.equal("NO_COUPON");
    }
    const redeemer = redeemerOf(undefined, undefined, pseudonyms);
    expect(told(await redeemer.change(as("bob"), redeem("a")))).to.equal("NO_COUPON");
    expect(told(await redeemer.change(as("alice"), redeem("a")))).to.equal("confirmed");
  });

  it("a code that is not issued is no coupon, and nothing is written of it", async () => {
    const coupon = { code: "나다라마바사0000", campaignId: undefined, user: undefined };
    await stores.db.collection<{ _id: string }>("coupons").insertOne({ _id: coupon.code });
    for (const ask of [reserve("a"), redeem("a"), confirm("a"), cancel("a")])
      expect(told(await redeemerOf().change(coupon, ask))).to.equal("NO_COUPON");
    expect(await recorded(coupon.code)).to.equal(null);
  });

  it("a dry run of a void writes nothing", async () => {
    const { coupon, code } = await issued();
    const ask = { verb: "void", actor: "kim", reason: "stolen", cancelReservations: false } as const;
    const outcome = await redeemerOf().change(coupon, ask, true);
    expect(outcome.kind === "done" && outcome.redemption.voided).to.equal(true);
    expect(await recorded(code)).to.equal(null);
  });
});
