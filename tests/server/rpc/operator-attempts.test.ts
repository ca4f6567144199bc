import { request } from "node:http";
import { expect } from "chai";
import { createAuthenticateOperator } from "../../../access/operators.ts";
import { readConfig } from "../../../runtime/config.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { createMetrics, type Metrics } from "../../../runtime/metrics.ts";
import { settingWarnings } from "../../../runtime/setting-warnings.ts";
import { keySetting } from "../../support/operator-key.ts";
import { bytesOf } from "../../support/raw-call.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

const TOKEN = "a-token-of-20-chars.";
const KEY = "kim-key-0123456789-0123456789-0123456789";
const GUESS = "no-token-of-20-chars";
const LONG_GUESS = "no-key-0123456789-0123456789-0123456789-";
/** As docs/security.md says. */
const FREE = 19;

describe("failed attempts to operate", () => {
  let app: StubApp;
  let metrics: Metrics;
  let lines: string[];

  beforeEach(async () => {
    metrics = createMetrics();
    lines = [];
    const destination = { write: (line: string) => void lines.push(line) };
    app = await openStubApp({
      metrics,
      logger: createLogger({ level: "info", format: "json", destination }),
      authenticateOperator: createAuthenticateOperator({
        token: TOKEN,
        keys: [keySetting("kim", "viewer", KEY)],
      }),
      campaignService: { listCampaigns: () => ({}) } as never,
    });
  });
  afterEach(() => app.close());

  /** The status, and the retry_after_ms of a refusal; `from`: the address from which it is asked. */
  async function ask(credential: string | undefined, from = "127.0.0.1") {
    const sent = request({
      ...{ host: "127.0.0.1", port: app.port, localAddress: from, method: "POST", agent: false },
      path: "/coupon.v1.CampaignService/ListCampaigns",
      headers: {
        "content-type": "application/json",
        ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
      },
    });
    sent.end("{}");
    const answer = await new Promise<Parameters<typeof bytesOf>[0]>((resolve, reject) => {
      sent.on("response", resolve).on("error", reject);
    });
    const text = (await bytesOf(answer)).toString();
    if (credential !== undefined) expect(text).not.to.include(credential);
    const detail = (JSON.parse(text) as { details?: { debug?: { retryAfterMs?: string } }[] }).details?.[0];
    return { status: answer.statusCode, retryAfterMs: Number(detail?.debug?.retryAfterMs ?? 0) };
  }
  const statusOf = async (credential: string | undefined, from?: string) =>
    (await ask(credential, from)).status;
  const failAll = async () => {
    for (let n = 0; n < FREE; n++) expect(await statusOf(GUESS)).to.equal(401);
  };
  const counted = async () => {
    const { values } = await metrics.operatorAttemptsFailed.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.why, value]));
  };

  it("after some the source is answered RATE_LIMITED, and no other one is", async () => {
    await failAll();
    const limited = await ask(GUESS);
    expect(limited.status).to.equal(429);
    expect(limited.retryAfterMs).to.be.greaterThan(0).and.at.most(60_000);
    expect(await statusOf(LONG_GUESS)).to.equal(429);
    expect(await statusOf(GUESS, "127.0.0.2")).to.equal(401);
    expect(await statusOf(TOKEN, "127.0.0.2")).to.equal(200);
  });

  it("the right key is served from that source too; a token that can be guessed has to wait", async () => {
    await failAll();
    expect(await statusOf(TOKEN), "before the limit").to.equal(200);
    await ask(GUESS);
    // Wrong credentials keep coming, as from an attacker behind the same proxy.
    for (let n = 0; n < 30; n++) {
      await ask(LONG_GUESS);
      expect(await statusOf(KEY)).to.equal(200);
    }
    expect(await statusOf(TOKEN)).to.equal(429);
    expect(await statusOf(undefined), "without a credential").to.equal(401);
  });

  it("are counted by cause, and leave a line without any part of the credential", async () => {
    await failAll();
    await ask(undefined);
    await ask(GUESS);
    await ask(GUESS, "127.0.0.2");
    expect(await counted()).to.deep.equal({ wrong: FREE + 1, missing: 1, limited: 1 });
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told.map(({ level, source, why }) => [level, source, why])).to.deep.equal([
      ["warn", "127.0.0.1", "wrong"],
      ["warn", "127.0.0.2", "wrong"],
    ]);
    expect(lines.join("")).not.to.include(GUESS).and.not.to.include(GUESS.slice(0, 8));
  });

  it("a token that may be guessed is warned of at the start", () => {
    const warnings = (OPERATOR_TOKEN: string) =>
      settingWarnings(readConfig({ REDIS_URL: "redis://h", MONGODB_URL: "mongodb://h", OPERATOR_TOKEN }));
    expect(warnings(TOKEN)).to.have.length(1);
    expect(warnings(TOKEN)[0]).to.match(/^OPERATOR_TOKEN has fewer than 32 characters/);
    expect(warnings(TOKEN.padEnd(32, "x"))).to.deep.equal([]);
  });
});
