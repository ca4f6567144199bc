import { randomInt } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createHistoryWriter, readHistory } from "../../../audit/history.ts";
import { isOfAnother } from "../../../cli/history-origin.ts";
import { newCampaignId } from "../../../record/campaign-id.ts";
import { coupon, couponVerify, type Verified } from "../../support/coupon-verify.ts";
import type { Damage } from "../../support/damage.ts";
import { damages } from "../../support/damages.ts";
import { damagesOfLog } from "../../support/damages-of-log.ts";
import { openRawRedis, type RawRedis } from "../../support/raw-redis.ts";
import { seedBooks } from "../../support/seed-books.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { sharedStack } from "../../support/shared-stores.ts";
import { withStores } from "../../support/with-stores.ts";
import { type Books, grownBooks, healthyBooks, STARTS_AT_MS } from "../../support/written-books.ts";
import { writeLog } from "../../support/written-log.ts";

const TOTAL = 10;
/** MongoDB itself refuses these, because `_id` is the code. The audit's own tests check them. */
const IMPOSSIBLE = [
  "two issuances of one code",
  "a code recorded twice for the same key",
  // Damage of a document, not of the books that are written from: see tests/audit/stores.test.ts.
  "an issuance whose instant is no date",
];
/**
 * A campaign that is in progress is read three times before a violation is reported, which takes 12 s. One
 * such case, of a Redis that has lost everything, is enough here.
 */
const SLOW = [
  "the campaign is paused and the pool gives out coupons",
  "the campaign goes on and the pool is paused",
  "the pool is to open at another instant",
];

describe("coupon verify finds planted damage, on real stores", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let redis: RawRedis;
  let dir = "";

  before(async () => {
    redis = await openRawRedis((await sharedStack()).redis.url);
    services = createServices(stores.env);
    // Without a scheduler, which would rebuild damaged pools.
    service = await services.start({ roles: "server" });
    // Two coupons for one key cannot be recorded while this index exists.
    await stores.db.collection("issuances").dropIndex("one_per_claim_key");
    dir = await mkdtemp(join(tmpdir(), "coupon-verify-"));
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      redis?.destroy();
      await rm(dir, { recursive: true, force: true });
    }
  });

  function booksOf(which: Damage["to"]): Books {
    if (which === "grown") return grownBooks(TOTAL);
    const books = healthyBooks({ total: TOTAL, issued: which === "sold-out" ? TOTAL : TOTAL / 2 });
    // Half of it is sold and the campaign has ended: no claim is under way, so nothing is read again.
    if (which === "half") {
      books.campaign.state = "ENDED";
      Object.assign(books.meta ?? {}, { state: "ended" });
    }
    return books;
  }

  /** Seeds books with an id and codes of their own: codes are unique over all campaigns. */
  async function seeded(books: Books): Promise<{ id: string; file: string }> {
    const id = newCampaignId(Date.now());
    const salt = Array.from({ length: 3 }, () => String.fromCharCode(0xac00 + randomInt(11_000))).join("");
    const text = JSON.stringify({ ...books, campaign: { ...books.campaign, id } });
    const renamed = JSON.parse(text, (_name, value) =>
      typeof value === "string" && /^[가-힣]{6}\d{4}$/.test(value) ? salt + value.slice(3) : value,
    ) as Books;
    await seedBooks(redis, stores.db, renamed);
    const file = join(dir, `${id}.jsonl`);
    const writer = createHistoryWriter(file);
    for (const entry of renamed.history) writer.write(entry);
    await writer.close();
    return { id, file };
  }

  function expectSecrecy(verified: Verified): void {
    expect(verified.stdout + verified.stderr).not.to.match(/[가-힣]/);
    expect(verified.stdout).not.to.match(/user-\d|late-\d|waiting-\d/);
  }

  for (const which of ["sold-out", "half", "grown"] as const) {
    it(`healthy books pass (${which})`, async () => {
      const { id, file } = await seeded(booksOf(which));
      const verified = await couponVerify(service.url, id, "--history", file);
      expect(verified.wrong, verified.stdout).to.deep.equal([]);
      expect(verified.code).to.equal(0);
      expect(verified.stores).to.include({ live: false, readings: 1 });
      const verdicts = verified.stores.checks.map(({ verdict }) => verdict);
      expect(new Set(verdicts)).to.deep.equal(new Set(["CHECK_VERDICT_HOLDS"]));
      expect(verified.history?.entries).to.be.greaterThan(TOTAL);
    });
  }

  for (const { fails, what, to, plant } of damages) {
    if (IMPOSSIBLE.includes(what) || SLOW.includes(what)) continue;
    it(`${fails}: ${what}`, async () => {
      const books = booksOf(to);
      plant(books);
      // Once a campaign has ended it needs no pool, so a lost pool would be no damage.
      if (books.meta === undefined) books.campaign.state = "OPEN";
      const { id, file } = await seeded(books);
      const verified = await couponVerify(service.url, id, "--history", file);
      expect(verified.wrong, verified.stdout).to.deep.equal([fails]);
      expect(verified.code).to.equal(8);
      expectSecrecy(verified);
    });
  }

  for (const hasLate of [false, true])
    it(`an event log that is right passes${hasLate ? ", with a coupon that was late" : ""}`, async () => {
      const books = booksOf("half");
      writeLog(books, hasLate);
      const { id, file } = await seeded(books);
      const verified = await couponVerify(service.url, id, "--history", file);
      expect(verified.wrong, verified.stdout).to.deep.equal([]);
      const u14 = verified.stores.checks.find(({ invariant }) => invariant === "U14");
      expect(u14).to.deep.include({ compared: TOTAL / 2, verdict: "CHECK_VERDICT_HOLDS" });
    });

  for (const { what, to, plant, says } of damagesOfLog)
    it(`names what is wrong, and says what to do: ${what}`, async () => {
      const books = booksOf(to);
      plant(books);
      const { id } = await seeded(books);
      const { stores: told } = await couponVerify(service.url, id);
      const offenders = told.checks.flatMap((check) => check.offenders as { words: string }[]);
      expect(offenders.map(({ words }) => words).join("\n")).to.match(new RegExp(says.source, "m"));
    });

  it("no event log, as of a campaign that nobody has read: nothing is wrong, and it says so", async () => {
    const { id } = await seeded(booksOf("half"));
    const { code, stdout } = await coupon(service.url, "verify", id);
    expect(code).to.equal(0);
    expect(stdout).to.match(/U14 +holds .*there is no event log: no process has read its events/);
  });

  it("names who is wrong by numbers that lead to the documents", async () => {
    const books = booksOf("sold-out");
    const victim = books.issuances[3];
    books.claims = books.claims.filter(({ claimKey }) => claimKey !== victim?.claimKey);
    const { id } = await seeded(books);
    const { stores: told } = await couponVerify(service.url, id);
    const [offender] = told.checks.flatMap(({ offenders }) => offenders);
    expect(offender).to.deep.include({ ordinal: 3, generation: 1, seq: 4 });
    const issuances = stores.db.collection<{ _id: string; claimKey: string }>("issuances");
    const found = await issuances.findOne({ campaignId: id, generation: 1, seq: 4 });
    expect(found?.claimKey).to.equal(victim?.claimKey);
    const coupons = stores.db.collection<{ _id: string }>("coupons");
    expect((await coupons.findOne({ campaignId: id, ordinal: 3 }))?._id).to.equal(found?._id);
  });

  it("names a document that is not what it has to be, and comes to its end", async () => {
    const { id } = await seeded(booksOf("half"));
    const documents = (name: string) => stores.db.collection<{ campaignId: string }>(name);
    await documents("issuances").updateOne({ campaignId: id, seq: 2 }, { $set: { issuedAt: "2026" } });
    const verified = await couponVerify(service.url, id);
    expect(verified.code, verified.stderr).to.equal(8);
    expect(verified.stdout).to.contain("coupon 1 has an issuance whose issuedAt is a string, not a date");
    await documents("coupons").updateOne({ campaignId: id, ordinal: 7 }, { $set: { ordinal: "7" } });
    const { code, stderr } = await coupon(service.url, "verify", id);
    expect(code, stderr).to.equal(8);
    expect(stderr).to.match(/MongoDB: coupons, code#[0-9a-f]{4}: ordinal is a string, not a whole number/);
    expect(stderr).not.to.match(/opening the stream again/);
  });

  it("counts all, names at most as many as asked for", async () => {
    const books = booksOf("sold-out");
    books.claims = [];
    const { id } = await seeded(books);
    const { stores: told } = await couponVerify(service.url, id, "--offenders", "3");
    const u5 = told.checks.find(({ invariant }) => invariant === "U5");
    expect(u5).to.deep.include({ violations: TOTAL });
    expect(u5?.offenders).to.have.length(3);
  });

  describe("a file of another campaign", () => {
    const said = (id: string, file: string, ...args: string[]) =>
      coupon(service.url, "verify", id, "--history", file, ...args);
    async function written(history: Books["history"]): Promise<string> {
      const file = join(dir, `${randomInt(2 ** 40)}.jsonl`);
      await writeFile(file, history.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      return file;
    }

    it("is no violation but a question, with exit code 2", async () => {
      const one = await seeded(booksOf("sold-out"));
      const other = await seeded(booksOf("sold-out"));
      const { code, stdout, stderr } = await said(one.id, other.file);
      expect(code, stdout + stderr).to.equal(2);
      expect(stderr).to.match(
        new RegExp(
          `none of these ${TOTAL} codes are of campaign ${one.id}: is this file of another campaign\\?`,
        ),
      );
      expect(stdout)
        .to.contain("both stores")
        .and.not.to.contain("WRONG")
        .and.not.to.contain("callers' records,");
      const json = await said(one.id, other.file, "--json");
      expect([json.code, JSON.parse(json.stdout).history]).to.deep.equal([2, undefined]);
    });

    it("does not hide what the stores themselves have wrong", async () => {
      const books = booksOf("sold-out");
      books.claims = [];
      const [one, other] = [await seeded(books), await seeded(booksOf("sold-out"))];
      const { code, stderr } = await said(one.id, other.file);
      expect(code).to.equal(8);
      expect(stderr)
        .to.match(/U5 is violated/)
        .and.match(/is this file of another campaign/);
    });

    it("some foreign codes among known ones, and one or two alone, are violations", async () => {
      const one = await seeded(booksOf("sold-out"));
      const other = await seeded(booksOf("sold-out"));
      const own = await readHistory(one.file);
      const foreign = (await readHistory(other.file))
        .filter(({ outcome }) => outcome.kind === "issued")
        .map((entry) => ({ ...entry, claimKey: `foreign ${entry.claimKey}` }));
      const codes = (count: number) => {
        const some = new Set<string>();
        return foreign.filter(({ outcome }) => {
          if (outcome.kind !== "issued" || (some.size === count && !some.has(outcome.code))) return false;
          some.add(outcome.code);
          return true;
        });
      };
      for (const history of [[...own, ...codes(1)], [...own, ...codes(TOTAL)], codes(1), codes(2)]) {
        const verified = await couponVerify(service.url, one.id, "--history", await written(history));
        expect([verified.code, verified.wrong.includes("U2")], verified.stdout).to.deep.equal([8, true]);
      }
      expect((await said(one.id, await written(codes(3)))).code).to.equal(2);
    });

    it("without any coupon in it is judged", async () => {
      const one = await seeded(booksOf("sold-out"));
      const refused = (await readHistory(one.file)).filter(({ outcome }) => outcome.kind === "refused");
      expect(refused).not.to.deep.equal([]);
      const verified = await couponVerify(service.url, one.id, "--history", await written(refused));
      expect(verified.history?.checks.map(({ invariant }) => invariant)).to.include("U7");
      expect(verified.history?.entries).to.equal(refused.length);
      expect(verified.code).to.equal(0);
    });

    it("at most every hundredth code known is another campaign's", () => {
      const judged = [
        [0, 0],
        [2, 0],
        [3, 0],
        [100, 1],
        [100, 2],
        [99, 1],
        [1_000_000, 10_000],
        [1_000_000, 10_001],
      ].map(([all = 0, issued = 0]) => isOfAnother({ all, issued }));
      expect(judged).to.deep.equal([false, false, true, true, false, false, true, false]);
    });
  });

  it("takes records without the order of events, by their times", async () => {
    const { id, file } = await seeded(booksOf("half"));
    const history = await readHistory(file);
    const lines = (withAnswerAt: number) =>
      history
        .map(({ invokedOrder: _, answeredOrder: __, ...entry }) => JSON.stringify(entry))
        .concat(
          JSON.stringify({
            claimKey: "unlucky",
            invokedAtMs: withAnswerAt - 1,
            answeredAtMs: withAnswerAt,
            outcome: { kind: "refused", reason: "SOLD_OUT" },
          }),
        )
        .join("\n");
    await writeFile(file, lines(STARTS_AT_MS + 1_000));
    const { wrong } = await couponVerify(service.url, id, "--history", file);
    expect(wrong).to.include("U7");
    await writeFile(file, `${lines(STARTS_AT_MS)}\n{"claimKey":"x","invokedOrder":1}\n{}\n`);
    const refused = couponVerify(service.url, id, "--history", file);
    expect(await refused.catch((error: Error) => error.message)).to.match(/is not a history entry/);
  });
});
