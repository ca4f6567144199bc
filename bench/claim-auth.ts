/**
 * `node --import tsx bench/claim-auth.ts`: what each mode of CLAIM_AUTH costs, as the rate of one connection
 * pool and as processor time of the service. One service, one campaign for each mode, rounds in turn. Prints
 * figures and judges none.
 */
import { createHash, randomBytes } from "node:crypto";
import { createHttpClient } from "../callers/http-client.ts";
import { tokenMaker } from "../cli/claim-credentials.ts";
import { freePort } from "../local/free-port.ts";
import { startService } from "../local/service-process.ts";
import { ClaimAuth } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { createOpenCampaign } from "../tests/support/campaign.ts";
import { connectClients } from "../tests/support/clients.ts";
import { startStackAlone } from "../tests/support/stack-alone.ts";
import { interleaved, median, ratioText } from "./rates/compare.ts";
import { cpuSeconds } from "./rates/ground.ts";

const [ROUNDS, IN_FLIGHT] = [9, 32];
/** Requests of a round. */
const REQUESTS = { claims: 3_000, refusals: 12_000 } as const;
const secret = randomBytes(32).toString("hex");
const key = randomBytes(32).toString("hex");
const alone = await startStackAlone();
const { stack } = alone;
const PORT = String(await freePort());
const url = `http://127.0.0.1:${PORT}`;
const service = startService({
  baseUrl: url,
  env: {
    ...{ REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url, PORT, LOG_LEVEL: "warn" },
    ...{ GRPC_PORT: String(await freePort()), OPERATOR_TOKEN: "a-token-of-the-benchmark" },
    ...{ CLAIM_TOKEN_SECRET: secret, CLAIM_TOKEN_AUDIENCE: "coupons" },
    CLAIM_KEYS: `bench:${createHash("sha256").update(key).digest("hex")}`,
  },
});
try {
  await service.waitForHttp("/readyz", 60_000);
  const clients = connectClients(url, { token: "a-token-of-the-benchmark" });
  const makeToken = tokenMaker({ secret, audience: "coupons", credential: undefined, secretFile: undefined });
  const tokens = new Map<string, string>();
  type Credential = "none" | "key" | "token";
  type Mode = { claimAuth: ClaimAuth; sends: Credential; isRepeated?: true };
  const claimed: Record<string, Mode> = {
    open: { claimAuth: ClaimAuth.OPEN, sends: "none" },
    // The same, and each request carries a token that nobody looks at: what its bytes cost.
    "open + bytes": { claimAuth: ClaimAuth.OPEN, sends: "token" },
    key: { claimAuth: ClaimAuth.KEY, sends: "key" },
    token: { claimAuth: ClaimAuth.TOKEN, sends: "token" },
  };
  const modesOf = {
    claims: claimed,
    refusals: {
      ...claimed,
      "open + bytes": { claimAuth: ClaimAuth.OPEN, sends: "token", isRepeated: true },
      // Users whose tokens the service has verified before: at an opening, most requests are repeated ones.
      "token again": { claimAuth: ClaimAuth.TOKEN, sends: "token", isRepeated: true },
    } satisfies Record<string, Mode>,
  };
  const authorizations = {
    none: undefined,
    key: () => `Bearer ${key}`,
    token: (user: string) => `Bearer ${tokens.get(user) ?? ""}`,
  };

  for (const kind of ["claims", "refusals"] as const) {
    const requests = REQUESTS[kind];
    const runs: Record<string, (round: number) => Promise<{ rate: number; cpuUs: number }>> = {};
    for (const [mode, { claimAuth, sends, isRepeated }] of Object.entries<Mode>(modesOf[kind])) {
      const total = kind === "claims" ? (ROUNDS + 1) * requests : 1;
      const campaignId = await createOpenCampaign(clients, { total, claimAuth });
      const client = createHttpClient(url, IN_FLIGHT, "userId", authorizations[sends]);
      runs[mode] = async (round) => {
        const users = Array.from({ length: requests }, (_, i) =>
          isRepeated ? `again-${i % 4_000}` : `${kind}-${round}-${i}`,
        );
        if (sends === "token")
          for (const user of users)
            if (!tokens.has(user)) tokens.set(user, makeToken(user, { expiresAtMs: Date.now() + 3_600_000 }));
        let at = 0;
        const [beganMs, beganCpu] = [performance.now(), cpuSeconds(service.pid)];
        await Promise.all(
          Array.from({ length: IN_FLIGHT }, async () => {
            for (let user = users[at++]; user !== undefined; user = users[at++]) {
              const { outcome } = await client.ask(campaignId, user, 30_000);
              const isExpected = kind === "claims" ? outcome.kind === "issued" : outcome.kind !== "unknown";
              if (!isExpected) throw new Error(`${mode}: ${JSON.stringify(outcome)}`);
            }
          }),
        );
        return {
          rate: (requests / (performance.now() - beganMs)) * 1_000,
          cpuUs: ((cpuSeconds(service.pid) - beganCpu) / requests) * 1_000_000,
        };
      };
      await runs[mode]?.(ROUNDS);
    }
    const results = await interleaved(ROUNDS, runs);
    for (const [mode, each] of Object.entries(results)) {
      const base = results["open"] ?? [];
      const compared = (["rate", "cpuUs"] as const).map((what) =>
        ratioText(
          each.map((one) => one[what]),
          base.map((one) => one[what]),
          "open",
        ),
      );
      const [rate, cpuUs] = [median(each.map((one) => one.rate)), median(each.map((one) => one.cpuUs))];
      process.stdout.write(
        `${kind.padEnd(9)} ${mode.padEnd(12)} ${Math.round(rate)}/s ${compared[0]}; ${Math.round(cpuUs)} µs ${compared[1]}\n`,
      );
    }
  }
} finally {
  await service.stop();
  await alone.end();
}
