import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { type Answer, answerOf, type Held } from "../support/answers.ts";
import { expectRightBooks, readBooksAtRest } from "../support/books.ts";
import { createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { inParallel } from "../support/in-parallel.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const SALE = { coupons: 500, claimants: 3_000 };
const SMALL_SALE = { coupons: 100, claimants: 400 };
const AT_ONCE = 64;

type Asked = Answer & { readonly key: string };

describe("Many claimants on two servers", () => {
  const stores = withStores();
  let redis: RawRedis;
  let services: Services;
  let servers: [Clients, Clients];

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    services = createServices(stores.env);
    const [one, two] = await Promise.all([services.start(), services.start()]);
    servers = [connectClients(one.url), connectClients(two.url, { json: true })];
  });

  after(async () => {
    try {
      await services.end();
    } finally {
      await redis.close();
    }
  });

  /**
   * Lets every claimant ask at least twice: half of them ask both servers at once, and all of them ask the
   * other server again.
   */
  async function everyoneAsks(
    campaignId: string,
    claimants: number,
    ask: (key: string) => object,
  ): Promise<Asked[][]> {
    const keys = Array.from({ length: claimants }, (_, i) => `${KEY_PREFIX}${i}`);
    return inParallel(keys, AT_ONCE, async (key, i) => {
      const on = async ({ coupons }: Clients): Promise<Asked> => {
        const answer = await answerOf(() => coupons.issueCoupon({ campaignId, ...ask(key) }));
        return { key, ...answer };
      };
      const [first, other] = i % 2 === 0 ? servers : ([servers[1], servers[0]] as const);
      const answers = i % 4 < 2 ? await Promise.all([on(first), on(other)]) : [await on(first)];
      return [...answers, await on(other)];
    });
  }

  /** Exactly N claimants get one coupon, the same in every answer; all others get a definite refusal. */
  function expectFairness(asked: readonly Asked[][], coupons: number): Map<string, Held> {
    const winners = new Map<string, Held>();
    for (const answers of asked) {
      const [first] = answers;
      if (first?.kind === "coupon") {
        winners.set(first.key, first.held);
        for (const answer of answers) {
          expect(answer.kind === "coupon" && answer.held, `a repeated answer to ${first.key}`).to.deep.equal(
            first.held,
          );
        }
        const fresh = answers.filter((answer) => answer.kind === "coupon" && !answer.replayed);
        expect(fresh.length, `answers to ${first.key} that are not a repetition`).to.equal(1);
      } else {
        for (const answer of answers) {
          const refused = answer.kind === "refused" ? answer.refused : undefined;
          expect([refused?.code, refused?.reason]).to.deep.equal([Code.FailedPrecondition, "SOLD_OUT"]);
        }
      }
    }
    expect(winners.size, "winners").to.equal(coupons);
    expect(new Set([...winners.values()].map(({ code }) => code)).size, "distinct codes").to.equal(coupons);
    return winners;
  }

  /** A coupon that was answered before another was asked for has the lower number. */
  function expectOrder(asked: readonly Asked[][]): void {
    const fresh = asked.flat().filter((answer) => answer.kind === "coupon" && !answer.replayed);
    const seqOf = (answer: Asked) => (answer.kind === "coupon" ? answer.held.seq : 0);
    const byAnswer = fresh.toSorted((a, b) => a.answeredAtMs - b.answeredAtMs);
    let [answered, highest] = [0, 0];
    for (const asking of fresh.toSorted((a, b) => a.askedAtMs - b.askedAtMs)) {
      for (
        let next = byAnswer[answered];
        next && next.answeredAtMs < asking.askedAtMs;
        next = byAnswer[answered]
      ) {
        highest = Math.max(highest, seqOf(next));
        answered += 1;
      }
      expect(seqOf(asking), "a coupon asked for after others were answered").to.be.greaterThan(highest);
    }
    expect(answered, "answers that came before another question").to.be.greaterThan(0);
  }

  it("one coupon a user: exactly N issued, the same code in every answer, all others sold out", async () => {
    const { coupons, claimants } = SALE;
    const campaignId = await createOpenCampaign(servers[0], { total: coupons });
    const asked = await everyoneAsks(campaignId, claimants, (userId) => ({ userId }));
    const winners = expectFairness(asked, coupons);
    expectOrder(asked);
    const books = await readBooksAtRest(redis, stores.db, campaignId, coupons);
    expectRightBooks(books, coupons, winners);
    expect(books.open, "codes left in the pool").to.deep.equal([]);
    const campaign = await untilState(servers[1], campaignId, "SOLD_OUT");
    expect([campaign.issued, campaign.generation]).to.deep.equal([coupons, 1]);
  });

  it("one coupon a request id: the same, and the user is only noted", async () => {
    const { coupons, claimants } = SMALL_SALE;
    const campaignId = await createOpenCampaign(servers[1], { total: coupons, onePerUser: false });
    const userId = `${KEY_PREFIX}the same one every time`;
    const asked = await everyoneAsks(campaignId, claimants, (requestId) => ({ requestId, userId }));
    const winners = expectFairness(asked, coupons);
    const books = await readBooksAtRest(redis, stores.db, campaignId, coupons);
    expectRightBooks(books, coupons, winners);
    expect(new Set(books.issuances.map((issuance) => issuance.userId))).to.deep.equal(new Set([userId]));
  });
});
