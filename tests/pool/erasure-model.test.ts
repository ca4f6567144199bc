import { expect } from "chai";
import fc from "fast-check";
import type { Claim, ClaimAnswer } from "../../pool/answers.ts";
import { SEPARATOR } from "../../pool/claim-field.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { Pool } from "../../pool/pool.ts";
import { claimIn, loadedPool } from "../support/loaded-pool.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { withStores } from "../support/with-stores.ts";

const RUNS = 80;
const PRINT = "a fingerprint";
const SHAPE = 2;
const CODES = 6;

type Ask = { readonly user: string; readonly request: string };
type Step =
  | { readonly kind: "claim"; readonly asks: readonly Ask[]; readonly knows: boolean }
  | { readonly kind: "settle"; readonly pick: number }
  | { readonly kind: "erase"; readonly user: string; readonly stale: boolean }
  | { readonly kind: "mark" };
/** A claim as its holder was told, and whether its ids have been replaced since. */
type Holding = { readonly claim: Claim; erased: boolean; settled: boolean };

/** How often each case has occurred. */
const seen = new Map<string, number>();
const saw = (what: string) => void seen.set(what, (seen.get(what) ?? 0) + 1);

const pseudonymOf = (id: string) => `~${id.length}${id.charCodeAt(0)}${id.at(-1)}`;

/** A pool and a model of it: who holds what, under which ids. `most` 1: one per user, by the user id. */
class History {
  readonly holdings = new Map<string, Holding>();
  marked = false;
  moved = 0;
  #ranOut = false;
  readonly #pool: Pool;
  readonly #campaignId: string;
  readonly #most: number;

  constructor(pool: Pool, campaignId: string, most: number) {
    this.#pool = pool;
    this.#campaignId = campaignId;
    this.#most = most;
  }

  keyOf({ user, request }: Ask): string {
    return this.#most === 1 ? user : user + SEPARATOR + request;
  }

  pseudonymOfKey(key: string): string {
    return key.split(SEPARATOR).map(pseudonymOf).join(SEPARATOR);
  }

  userOf(key: string): string {
    return key.split(SEPARATOR)[0] ?? "";
  }

  /** The claim as it is bound now. */
  boundAs({ claim, erased }: Holding): Claim {
    if (!erased) return claim;
    const claimKey = this.pseudonymOfKey(claim.claimKey);
    return { ...claim, claimKey, userId: this.#most === 1 ? "" : this.userOf(claimKey) };
  }

  field({ claimKey, userId, place }: Claim): string {
    return place === undefined ? claimKey : userId + SEPARATOR + place;
  }

  of(user: string): Holding[] {
    return [...this.holdings.values()].filter(({ claim }) => this.userOf(claim.claimKey) === user);
  }

  async claim(asks: readonly Ask[], knows: boolean): Promise<void> {
    const sent = asks.map((ask) => {
      const claimKey = this.keyOf(ask);
      const given = { claimKey, userId: this.#most === 1 ? "" : ask.user };
      return knows ? { ...given, pseudonym: this.pseudonymOfKey(claimKey) } : given;
    });
    const full = new Set(asks.map(({ user }) => user).filter((user) => this.of(user).length === this.#most));
    const answers = await this.#pool.claim(
      ...([this.#campaignId, Date.now(), sent, "issue", 0, this.#most, knows ? PRINT : ""] as const),
    );
    if (this.marked && !knows) {
      saw("marked");
      for (const answer of answers) expect(answer).to.deep.equal({ kind: "marked", fingerprint: PRINT });
      return;
    }
    this.#ranOut = false;
    for (const [i, ask] of asks.entries()) this.#judge(ask, answers[i], full);
    if (this.#ranOut) expect(this.holdings.size).to.equal(CODES);
  }

  #judge(ask: Ask, answer: ClaimAnswer | undefined, full: ReadonlySet<string>): void {
    const key = this.keyOf(ask);
    const standing = this.holdings.get(key);
    if (standing !== undefined) {
      expect(claimIn(answer)).to.deep.equal(this.boundAs(standing));
      expect(answer?.kind).to.equal(standing.settled ? "replay" : "pending");
      saw(standing.erased ? "an erased user" : "a known user");
      return;
    }
    if (full.has(ask.user)) {
      const byPseudonym = this.of(ask.user).some(({ erased }) => erased);
      expect(answer?.kind).to.equal("full");
      saw(byPseudonym ? "full by places under a pseudonym" : "full");
      return;
    }
    const left = CODES - this.holdings.size;
    if (left === 0) {
      expect(answer?.kind).to.be.oneOf(this.of(ask.user).length === this.#most ? ["sold", "full"] : ["sold"]);
      saw("sold");
      return;
    }
    if (this.of(ask.user).length === this.#most) {
      // Its last place went to an earlier ask of this call: where the codes run out in it, both are true.
      expect(answer?.kind).to.be.oneOf(["full", "sold"]);
      this.#ranOut ||= answer?.kind === "sold";
      return;
    }
    expect(answer?.kind).to.equal("claimed");
    const claim = claimIn(answer);
    expect(this.of(ask.user).map((one) => one.claim.place)).not.to.include(claim.place ?? 0);
    if (this.of(ask.user).some(({ erased }) => erased)) saw("another place beside one under a pseudonym");
    this.holdings.set(key, { claim, erased: false, settled: false });
  }

  async settle(pick: number): Promise<void> {
    const one = [...this.holdings.values()][pick];
    if (one === undefined) return;
    await this.#pool.settle(this.#campaignId, 1, [one.claim.seq]);
    one.settled = true;
  }

  async mark(): Promise<void> {
    expect(await this.#pool.mark(this.#campaignId, PRINT, SHAPE)).to.deep.equal({
      status: "ok",
      generation: 1,
    });
    this.marked = true;
  }

  /** The mark comes first, as in the service. `stale`: the pool has another code than the issuance. */
  async erase(user: string, stale: boolean): Promise<void> {
    await this.mark();
    const theirs = this.of(user);
    if (theirs.length === 0) return;
    const fields = theirs.map((holding) => ({
      field: this.field(holding.claim),
      erased: this.boundAs({ ...holding, erased: true }),
      code: stale ? "다른코드" : holding.claim.code,
    }));
    const toMove = stale ? [] : theirs.filter(({ erased }) => !erased);
    const { moved } = await this.#pool.erase(this.#campaignId, fields);
    expect(moved).to.equal(toMove.length);
    saw(stale ? "stale" : toMove.length < theirs.length ? "erased again" : "erased");
    if (toMove.some(({ settled }) => !settled)) saw("erased before it was settled");
    this.moved += moved;
    // An issuance that has pseudonyms is durable.
    for (const one of toMove) Object.assign(one, { erased: true, settled: true });
  }

  async agrees(raw: RawRedis): Promise<void> {
    const { claims, ledger, open, meta } = await contentsOf(raw, this.#campaignId);
    const expected = [...this.holdings.values()].map((holding) => {
      const { claimKey, code, generation, seq, issuedAtMs, ...rest } = this.boundAs(holding);
      const value = `${code} ${generation}-${seq} ${issuedAtMs}`;
      const request = claimKey.split(SEPARATOR)[1];
      return [
        this.field({ claimKey, code, generation, seq, issuedAtMs, ...rest }),
        request === undefined ? value : `${value} ${request}`,
      ];
    });
    expect(claims).to.deep.equal(Object.fromEntries(expected));
    const pending = [...this.holdings.values()].filter(({ settled }) => !settled);
    expect(ledger.map(({ id }) => id)).to.deep.equal(
      pending
        .map(({ claim }) => claim.seq)
        .sort((a, b) => a - b)
        .map((seq) => `1-${seq}`),
    );
    expect(open).to.have.length(CODES - this.holdings.size);
    expect([meta["erased"], meta["erasures"]]).to.deep.equal([
      this.marked ? PRINT : undefined,
      this.moved > 0 ? String(this.moved) : undefined,
    ]);
  }
}

describe("pool scripts in a campaign with erased users, against a model", () => {
  const stores = withStores();
  let raw: RawRedis;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
  });
  after(async () => {
    raw.destroy();
  });

  const userArb = fc.constantFrom("a", "b", "a b", "가");
  const asksArb = fc.array(fc.record({ user: userArb, request: fc.constantFrom("1", "2", "3", "1 2") }), {
    minLength: 1,
    maxLength: 5,
  });
  const stepArb: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("claim" as const), asks: asksArb, knows: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("settle" as const), pick: fc.nat(5) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        ...{ kind: fc.constant("erase" as const), user: userArb },
        stale: fc.constantFrom(false, false, false, true),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("mark" as const) }) },
  );

  it("the same coupon under id and pseudonym, never one more than allowed, and no id stays", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(stepArb, { minLength: 8, maxLength: 24, size: "max" }),
        async (most, steps) => {
          const codes = Array.from({ length: CODES }, (_, i) => `나${i}`);
          const { campaignId } = await loadedPool(stores.pool, { codes });
          const history = new History(stores.pool, campaignId, most);
          for (const step of steps) {
            if (step.kind === "claim") await history.claim(step.asks, step.knows);
            else if (step.kind === "settle") await history.settle(step.pick);
            else if (step.kind === "mark") await history.mark();
            else await history.erase(step.user, step.stale);
            await history.agrees(raw);
          }
          await raw.del(Object.values(campaignKeys(campaignId)));
        },
      ),
      { numRuns: RUNS },
    );
    const wanted = [
      ...["marked", "an erased user", "a known user", "full", "full by places under a pseudonym", "sold"],
      ...["another place beside one under a pseudonym", "stale", "erased", "erased again"],
      "erased before it was settled",
    ];
    expect(
      wanted.filter((what) => !seen.has(what)),
      "never occurred",
    ).to.deep.equal([]);
  });
});
