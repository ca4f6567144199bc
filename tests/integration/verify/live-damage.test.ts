import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createHistoryWriter, stamp } from "../../../audit/history.ts";
import { campaignKeys } from "../../../pool/keys.ts";
import type { CouponDoc, IssuanceDoc } from "../../../record/documents.ts";
import { type Held, held } from "../../support/answers.ts";
import { readBooksAtRest } from "../../support/books.ts";
import { createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { couponVerify, type Told, type Verified } from "../../support/coupon-verify.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../../support/raw-redis.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { sharedStack } from "../../support/shared-stores.ts";
import { withStores } from "../../support/with-stores.ts";

const TOTAL = 40;
const MANY = 2_000;
const START_MS = Date.now() - 3_600_000;

/** A coupon that a caller holds, with the numbers that identify it. */
type Victim = Held & { readonly key: string; readonly ordinal: number; readonly generation: number };

type Sale = { readonly id: string; readonly file: string; readonly victims: readonly Victim[] };

type Damage = {
  readonly what: string;
  /** The invariant that must be found violated. */
  readonly fails: string;
  /** Makes the damage; returns what the report must name. */
  readonly plant: (sale: Sale, at: number) => Promise<Partial<Told["offenders"][number]>>;
  /** Servers repair this damage by themselves during a sale. */
  readonly heals?: true;
};

const digest = (text: string, digits: number) =>
  createHash("sha256").update(text).digest("hex").slice(0, digits);

describe("coupon verify finds what was done to a real sale", () => {
  const stores = withStores();
  let redis: RawRedis;
  let services: Services;
  let service: Service;
  let clients: Clients;
  let dir = "";

  before(async () => {
    redis = await openRawRedis((await sharedStack()).redis.url);
    services = createServices(stores.env);
    service = await services.start({ roles: "server" });
    clients = connectClients(service.url);
    dir = await mkdtemp(join(tmpdir(), "live-damage-"));
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      redis?.destroy();
      await rm(dir, { recursive: true, force: true });
    }
  });

  const issuances = () => stores.db.collection<IssuanceDoc>("issuances");
  const coupons = () => stores.db.collection<CouponDoc>("coupons");

  /**
   * Sells coupons over the API and writes the callers' history. Ends the scheduler and the generator, which
   * could repair the pool afterwards.
   */
  async function sell(sold: number, total = TOTAL): Promise<Sale> {
    const workers = await services.start({ roles: "generator,scheduler" });
    const id = await createOpenCampaign(clients, { total, startsAtMs: START_MS });
    const file = join(dir, `${id}.jsonl`);
    const history = createHistoryWriter(file);
    const told: (Held & { key: string })[] = [];
    for (let i = 0; i < sold; i++) {
      const key = `${KEY_PREFIX}${i}`;
      const invoked = stamp();
      const coupon = held((await clients.coupons.issueCoupon({ campaignId: id, userId: key })).coupon);
      const answered = stamp();
      history.write({
        ...{ claimKey: key, invokedAtMs: invoked.atMs, answeredAtMs: answered.atMs },
        ...{ invokedOrder: invoked.order, answeredOrder: answered.order },
        outcome: { kind: "issued", ...coupon, replayed: false },
      });
      told.push({ key, ...coupon });
    }
    await history.close();
    if (sold === total) await untilState(clients, id, "SOLD_OUT");
    const books = await readBooksAtRest(redis, stores.db, id, sold);
    await workers.process.stop();
    const ordinals = new Map(books.coupons.map(({ _id, ordinal }) => [_id, ordinal]));
    const generations = new Map(books.issuances.map(({ _id, generation }) => [_id, generation]));
    const numbersOf = ({ code }: Held) => ({
      ordinal: ordinals.get(code) ?? -1,
      generation: generations.get(code) ?? -1,
    });
    return { id, file, victims: told.map((one) => ({ ...one, ...numbersOf(one) })) };
  }

  function victim({ victims }: Sale, at: number): Victim {
    const found = victims[at];
    if (found === undefined) throw new Error("nobody holds so many");
    return found;
  }

  const boundTo = ({ code, generation, seq, issuedAtMs }: Victim, atMs = issuedAtMs) =>
    `${code} ${generation}-${seq} ${atMs}`;

  const damages: readonly Damage[] = [
    {
      what: "a code issued twice",
      fails: "U1",
      async plant(sale, at) {
        const one = victim(sale, at);
        await redis.hSet(campaignKeys(sale.id).claims, `${KEY_PREFIX}stranger`, boundTo(one));
        return { ordinal: one.ordinal };
      },
    },
    {
      what: "an issuance removed",
      fails: "U2",
      async plant(sale, at) {
        const one = victim(sale, at);
        await issuances().deleteOne({ _id: one.code });
        // Only the callers' history has this coupon, without numbers, so the report names fingerprints.
        const words = `code#${digest(one.code, 4)} of key#${digest(one.key, 8)} was acknowledged and is not recorded`;
        return { words };
      },
    },
    {
      what: "a ledger entry left",
      fails: "U5",
      heals: true,
      async plant(sale, at) {
        const { key, code, generation, seq, issuedAtMs } = victim(sale, at);
        const { ledger } = campaignKeys(sale.id);
        // A stream accepts no id below its last one, so it is made anew.
        await redis.del(ledger);
        await redis.xAdd(ledger, `${generation}-${seq}`, { k: key, c: code, t: String(issuedAtMs) });
        return { generation, seq };
      },
    },
    {
      what: "an early timestamp",
      fails: "U8",
      async plant(sale, at) {
        const one = victim(sale, at);
        await issuances().updateOne({ _id: one.code }, { $set: { issuedAt: new Date(START_MS - 1) } });
        await redis.hSet(campaignKeys(sale.id).claims, one.key, boundTo(one, START_MS - 1));
        return { ordinal: one.ordinal };
      },
    },
    {
      what: "a foreign code",
      fails: "U3",
      async plant(sale, at) {
        const { code, generation, seq } = victim(sale, at);
        // The issuance keeps its place in the order; only its code is none of the campaign's.
        await coupons().deleteOne({ _id: code });
        return { generation, seq };
      },
    },
    {
      what: "a lost claim",
      fails: "U5",
      async plant(sale, at) {
        const one = victim(sale, at);
        await redis.hDel(campaignKeys(sale.id).claims, one.key);
        return { ordinal: one.ordinal };
      },
    },
  ];

  /** The report names the right offender, and contains no code and no user id. */
  function expectNamed(verified: Verified, fails: string, wanted: Partial<Told["offenders"][number]>): void {
    expect(verified.code, verified.stderr).to.equal(8);
    expect(verified.wrong, verified.stdout).to.include(fails);
    const checks = [...verified.stores.checks, ...(verified.history?.checks ?? [])];
    const named = checks.filter(({ invariant }) => invariant === fails).flatMap(({ offenders }) => offenders);
    const hits = named.filter((offender) =>
      Object.entries(wanted).every(([name, value]) => offender[name as keyof typeof offender] === value),
    );
    expect(hits.length, `${fails} of ${JSON.stringify(wanted)} in ${JSON.stringify(named)}`).to.be.above(0);
    expect(verified.stderr).to.match(/violated/);
    expect(verified.stdout + verified.stderr).not.to.match(/[가-힣]/);
    expect(verified.stdout + verified.stderr).not.to.contain(KEY_PREFIX);
  }

  for (const [at, { what, fails, plant }] of damages.entries()) {
    it(`${what}: ${fails}`, async () => {
      const sale = await sell(TOTAL);
      expect((await couponVerify(service.url, sale.id, "--history", sale.file)).wrong).to.deep.equal([]);
      const wanted = await plant(sale, 3 + at);
      expectNamed(await couponVerify(service.url, sale.id, "--history", sale.file), fails, wanted);
    });
  }

  it("all of them at once, while coupons go out", async () => {
    // More coupons than are issued meanwhile, however long the audit takes.
    const sale = await sell(TOTAL / 2, MANY);
    const lasting = damages.filter(({ heals }) => heals !== true);
    const planted: { fails: string; wanted: Partial<Told["offenders"][number]> }[] = [];
    for (const [at, { fails, plant }] of lasting.entries())
      planted.push({ fails, wanted: await plant(sale, 2 * at) });
    let over = false;
    const pressing = (async () => {
      for (let i = 0; !over && i < MANY / 2; i++) {
        await clients.coupons.issueCoupon({ campaignId: sale.id, userId: `${KEY_PREFIX}later ${i}` });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    const verified = await couponVerify(service.url, sale.id, "--history", sale.file);
    over = true;
    await pressing;
    expect(verified.stores).to.deep.include({ live: true, readings: 3 });
    for (const { fails, wanted } of planted) expectNamed(verified, fails, wanted);
  });
});
