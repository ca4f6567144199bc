import { existsSync, readFileSync } from "node:fs";
import { expect } from "chai";
import {
  type Counts,
  EXCHANGE,
  type Receivers,
  startReceivers,
  untilDelivered,
} from "../../bench/rates/receivers.ts";
import { Trouble } from "../../bench/trouble.ts";
import { HANG_MS } from "../support/patience.ts";

const CAMPAIGN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

const issued = (number: number, campaignId = CAMPAIGN) => ({
  type: "coupon.issued",
  data: { campaignId, number },
});

describe("bench: the receivers of events", () => {
  let receivers: Receivers;

  before(async () => {
    receivers = await startReceivers(new AbortController().signal);
  });

  after(() => receivers.close());

  it("count each coupon of a campaign once, however often it comes, and nothing else", async () => {
    const { webhookUrl, rabbitMq, counts } = receivers;
    expect(await counts(CAMPAIGN)).to.deep.equal({ webhook: 0, rabbitmq: 0 });
    const post = async (body: unknown) => {
      const response = await fetch(webhookUrl, { method: "POST", body: JSON.stringify(body) });
      expect(response.status).to.equal(204);
    };
    const others = [issued(9, "another"), { type: "campaign.opened", data: { campaignId: CAMPAIGN } }];
    await post([issued(1), issued(2), ...others]);
    await post([issued(2), issued(3)]);
    await post(issued(3));
    const channel = await (await rabbitMq.connect()).createConfirmChannel();
    for (const event of [issued(1), ...others, issued(1), issued(2)])
      channel.publish(EXCHANGE, event.type, Buffer.from(JSON.stringify(event)));
    await channel.waitForConfirms();
    const seen: Counts[] = [];
    const noted = async () => {
      const both = await counts(CAMPAIGN);
      seen.push(both);
      return { webhook: both.webhook - 1, rabbitmq: both.rabbitmq };
    };
    await untilDelivered(2, noted, HANG_MS);
    expect(seen.at(-1)).to.deep.equal({ webhook: 3, rabbitmq: 2 });
    expect(await counts("another")).to.deep.equal({ webhook: 1, rabbitmq: 1 });
  });

  it("the broker yields to other processes, and its session to other sessions where the kernel has that", () => {
    const proc = `/proc/${receivers.rabbitMq.pid}`;
    const stat = readFileSync(`${proc}/stat`, "utf8");
    // Field 19 of proc(5): the niceness.
    expect(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]).to.equal("19");
    if (existsSync(`${proc}/autogroup`))
      expect(readFileSync(`${proc}/autogroup`, "utf8").trim()).to.match(/ nice 19$/);
  });
});

describe("bench: waiting for deliveries", () => {
  /** What a receiver tells, call by call; then the last again. */
  const telling = (...told: readonly (readonly [number, number])[]) => {
    let call = 0;
    return async () => {
      const [webhook, rabbitmq] = told[Math.min(call++, told.length - 1)] ?? [0, 0];
      return { webhook, rabbitmq };
    };
  };

  it("ends once both have everything", async () => {
    await untilDelivered(2, telling([0, 1], [2, 1], [2, 2]), HANG_MS);
  });

  for (const [what, last] of [
    ["the webhook", [1, 2]],
    ["RabbitMQ", [2, 1]],
    ["both", [0, 0]],
  ] as const)
    it(`fails where ${what} stands still`, async () => {
      const failed = await untilDelivered(2, telling([0, 0], last), 250).catch((error: unknown) => error);
      expect(failed).to.be.instanceOf(Trouble);
      expect(String(failed)).to.include(`of 2 coupons the webhook got ${last[0]}, RabbitMQ ${last[1]}`);
    });
});
