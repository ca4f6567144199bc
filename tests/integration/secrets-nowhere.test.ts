import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { builtProduct } from "../../local/built.ts";
import { freePort } from "../../local/free-port.ts";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { operatorKeyLine } from "../../runtime/operator-settings.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { AUDIENCE, claimsOf, secretMaker, serverKey } from "../support/claim-credentials.ts";
import { type Clients, clientsOver } from "../support/clients.ts";
import { coupon } from "../support/coupon-verify.ts";
import { HANG_MS } from "../support/patience.ts";

/** Secrets that no other text has, so that a single search finds each wherever it is. */
const secretText = () => `siege${randomBytes(24).toString("hex")}`;

/** Clients that send one credential to either service, also where it is none of that service's. */
function holding(baseUrl: string, credential?: string): Clients {
  const transport = createConnectTransport({
    ...{ baseUrl, httpVersion: "1.1", useBinaryFormat: false },
    interceptors: [
      (next) => (request) => {
        if (credential !== undefined) request.header.set("authorization", `Bearer ${credential}`);
        return next(request);
      },
    ],
  });
  return clientsOver(transport);
}

describe("no secret is where others can read it", () => {
  const keys = { operator: secretText(), token: secretText(), wrong: secretText() };
  const tokenSecret = secretText();
  const shop = serverKey("shop");
  const user = `user-${randomUUID()}`;
  const badUser = `bad-${randomUUID()}`;
  const code = "곤괄낙0987";
  let dir = "";
  let stack: Stack;
  const running: ServiceProcess[] = [];
  const lines: string[] = [];
  const secrets = new Map<string, string>();
  let metrics = "";

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "secrets-nowhere-"));
    stack = await startStack({ dataDir: dir, withPassword: true });
    const password = readFileSync(join(dir, "store-password"), "utf8").trim();
    const env = {
      ...{ REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url, MONGODB_DATABASE: "secrets" },
      ...{ OPERATOR_TOKEN: keys.token, OPERATOR_KEYS: operatorKeyLine("kim", "admin", keys.operator) },
      ...{ CLAIM_AUTH: "token", CLAIM_TOKEN_SECRET: tokenSecret, CLAIM_TOKEN_AUDIENCE: AUDIENCE },
      CLAIM_KEYS: `${shop.setting.name}:${shop.setting.sha256}`,
    };
    const entry = join(await builtProduct(), "server", "main.js");
    for (const LOG_FORMAT of ["json", "text"]) {
      const [PORT, GRPC_PORT] = [String(await freePort()), String(await freePort())];
      const service = startService({
        ...{ entry, baseUrl: `http://127.0.0.1:${PORT}`, onLine: (line) => void lines.push(line) },
        env: { ...env, LOG_LEVEL: "trace", LOG_FORMAT, PORT, GRPC_PORT },
      });
      running.push(service);
      await service.waitForHttp("/readyz", HANG_MS);
    }
    const entries: readonly (readonly [string, string])[] = [
      ...Object.entries(keys).map(([name, key]) => [`operator key ${name}`, key] as const),
      ...[["secret of tokens", tokenSecret] as const, ["server-to-server key", shop.key] as const],
      ...[["password of the stores", password] as const, ["code of an error", code] as const],
      ...[["user", user] as const, ["user of a bad request", badUser] as const],
    ];
    for (const [name, text] of entries) secrets.set(name, text);
    for (const { baseUrl = "" } of running) {
      await useAll(baseUrl);
      metrics += await (await fetch(`${baseUrl}/metrics`)).text();
    }
  });
  after(async () => {
    try {
      await Promise.all(running.map((service) => service.interrupt()));
    } finally {
      await stack?.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  });

  /** A sale, operators' calls, look-ups, and every failure that has a secret in its request. */
  async function useAll(url: string): Promise<void> {
    const operator = holding(url, keys.operator);
    const { id: campaignId } = await createCampaign(operator, { total: 3 });
    await untilState(operator, campaignId, "OPEN");
    const maker = secretMaker(tokenSecret);
    const token = maker.sign(claimsOf(user, { campaign_id: campaignId }));
    const expired = maker.sign(claimsOf(user, { exp: 1 }));
    secrets.set(`token ${campaignId}`, token).set(`expired token ${campaignId}`, expired);
    const shopper = holding(url, token);
    const issued = await shopper.coupons.issueCoupon({ campaignId });
    secrets.set(`code ${campaignId}`, issued.coupon?.code ?? "");
    await shopper.coupons.findCoupon({ campaignId, userId: user });

    const failing: (() => Promise<unknown>)[] = [
      () => holding(url, expired).coupons.issueCoupon({ campaignId }),
      () => holding(url, `${token}x`).coupons.issueCoupon({ campaignId }),
      () => holding(url, shop.key).coupons.issueCoupon({ campaignId, userId: badUser }),
      () => shopper.coupons.issueCoupon({ campaignId, userId: badUser }),
      () => holding(url).coupons.issueCoupon({ campaignId, userId: user }),
      () => holding(url, keys.wrong).campaigns.listCampaigns({}),
      () => holding(url, token).campaigns.endCampaign({ campaignId }),
      () => operator.campaigns.findIssuance({ campaignId, code }),
      () => operator.campaigns.findIssuance({ campaignId, userId: badUser }),
      () => operator.campaigns.findIssuance({ campaignId, userId: user, requestId: code }),
      () => holding(url, keys.token).campaigns.pauseCampaign({ campaignId }),
      () => operator.campaigns.createCampaign({ name: badUser, total: -1 }),
      () => post(url, "CouponService/IssueCoupon", `{"campaignId":"${campaignId}","userId":"${badUser}`),
      () => post(url, "CouponService/FindCoupon", `{"campaignId":"${campaignId}","code":["${code}"]}`),
      () => post(url, `CouponService/${code}?token=${keys.wrong}`, "{}"),
    ];
    for (const call of failing) await call().catch(() => undefined);
    await coupon(url, "verify", campaignId, "--token", keys.operator);
    await coupon(url, "get", campaignId, "--codes", "--token", keys.operator);
    await coupon(url, "preflight", campaignId, "--token", keys.wrong);
  }

  const post = async (url: string, path: string, body: string) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${keys.wrong}` };
    await (await fetch(`${url}/coupon.v1.${path}`, { method: "POST", headers, body })).text();
  };

  const found = (text: string) =>
    [...secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => name);

  it("the search finds what is there", () => {
    expect(secrets.size).to.equal(9 + 2 * 3);
    expect([...secrets.values()].filter((secret) => secret.length < 6)).to.deep.equal([]);
    expect(found(`x${[...secrets.values()].join("x")}x`)).to.have.length(secrets.size);
  });

  it("not in a log, at LOG_LEVEL=trace, in either form", () => {
    expect(lines.length).to.be.greaterThan(10);
    expect(lines.flatMap((line) => found(line).map((name) => `${name}: ${line}`))).to.deep.equal([]);
    const logs = join(dir, "logs");
    for (const name of readdirSync(logs))
      expect(found(readFileSync(join(logs, name), "utf8")), name).to.deep.equal([]);
  });

  it("not in /metrics", () => {
    expect(metrics).to.include("coupon_");
    expect(found(metrics)).to.deep.equal([]);
  });

  it("not in a command line, which every user of the machine can read", () => {
    const pids = [...running.map(({ pid }) => pid), stack.redis.pid, stack.mongodb.pid];
    for (const pid of pids) {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      expect(line).to.not.equal("");
      expect(found(line)).to.deep.equal([]);
    }
  });
});
