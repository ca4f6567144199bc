import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Releases } from "../../../bench/releases.ts";
import { OBSERVABILITY_DIR, RULE_FILES } from "../../deploy/observability/shipped.ts";
import { createCampaign, untilState } from "../../support/campaign.ts";
import { connectClients } from "../../support/clients.ts";
import { type Prometheus, startPrometheus } from "../../support/prometheus.ts";
import { createServices } from "../../support/service.ts";
import { startStackAlone } from "../../support/stack-alone.ts";

export type Launch = {
  readonly prometheus: Prometheus;
  readonly campaignId: string;
  readonly startsAtMs: number;
  /** Some seconds after the last coupon. */
  readonly endedAtMs: number;
  readonly clients: number;
};

const TOTAL = 20_000;
const CLIENTS = 48;
const LEAD_MS = 15_000;
/** Callers begin before the start, as a crowd does, and go on after the last coupon. */
const EARLY_MS = 3_000;
const LATE_MS = 4_000;
/** What a caller waits between two claims. */
const PAUSE_MS = 5;

/** A real launch: early callers, the opening by a scheduler, a sale, "sold out". */
export async function sellOut(releases: Releases): Promise<Launch> {
  const { stack, end } = await startStackAlone();
  releases.add("stores", end);
  const services = createServices({
    ...{ REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url, MONGODB_DATABASE: "dashboard" },
    LOG_LEVEL: "warn",
  });
  releases.add("services", () => services.end());
  const quiet = { LOG_LEVEL: "info" };
  const server = await services.start({ roles: "server", env: quiet });
  const scheduler = await services.start({
    roles: "scheduler,generator",
    env: { ...quiet, HEALTH_PORT: "0" },
  });
  const prometheus = await startPrometheus({
    jobs: { coupon: [server.url, scheduler.addresses.health ?? ""].map((url) => new URL(url).host) },
    rules: RULE_FILES.map((file) => join(OBSERVABILITY_DIR, file)),
  });
  releases.add("Prometheus", () => prometheus.close());
  const clients = connectClients(server.url, { json: true });
  const startsAtMs = Date.now() + LEAD_MS;
  const { id: campaignId } = await createCampaign(clients, { name: "a launch", total: TOTAL, startsAtMs });
  await untilState(clients, campaignId, "SCHEDULED");
  await sleep(Math.max(0, startsAtMs - EARLY_MS - Date.now()));
  const pressing = new AbortController();
  let users = 0;
  const press = async () => {
    while (!pressing.signal.aborted) {
      users += 1;
      // "Not started" and "sold out" are answers, too.
      await clients.coupons.issueCoupon({ campaignId, userId: `user-${users}` }).catch(() => undefined);
      await sleep(PAUSE_MS);
    }
  };
  const callers = Array.from({ length: CLIENTS }, press);
  await untilState(clients, campaignId, "SOLD_OUT");
  await sleep(LATE_MS);
  pressing.abort();
  await Promise.all(callers);
  return { prometheus, campaignId, startsAtMs, endedAtMs: Date.now(), clients: CLIENTS };
}
