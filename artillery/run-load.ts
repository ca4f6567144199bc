import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readHistory } from "../audit/history.ts";
import { verdictTable } from "../audit/verdict-table.ts";
import { sparkline } from "../bench/demo/picture.ts";
import { type Ground, layGround } from "../bench/ground.ts";
import { createCampaign, waitUntilScheduled } from "../bench/load/campaign.ts";
import { connectClients } from "../bench/load/connect-client.ts";
import { OPERATOR_TOKEN } from "../bench/operator-token.ts";
import { orAborted, type Releases } from "../bench/releases.ts";
import { Trouble } from "../bench/trouble.ts";
import { localKeyFor } from "../cli/local-key.ts";
import { isLoopback } from "../runtime/loopback.ts";
import { settingOf } from "../runtime/setting.ts";
import { auditBooks } from "./books.ts";
import { handOver, isLoaded, waitingIn } from "./handover.mjs";
import { installArtillery } from "./install.ts";
import type { LoadOptions } from "./options.ts";
import { paceOf } from "./pace.ts";
import { launchPhases, SECONDS_BEFORE, usersIn } from "./phases.ts";
import { startArtillery } from "./run-artillery.ts";
import { findStores, type StoreUrls } from "./stores.ts";
import { type Conclusion, conclude } from "./verdict.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = "http://127.0.0.1:8080";
const READY_TIMEOUT_MS = 5_000;
/** Artillery's start: a bound against hanging. */
const WAITING_DEADLINE_MS = 180_000;
/** From the choice of the instant to the instant, in addition to the time for making the codes. */
const LEAD_MS = 3_000;
/** From the end of artillery's `before` hook to the first arrival: the worker thread's start. */
const WORKER_START_MS = 300;
const CODES_PER_MS = 10;
/** After the last arrival: answers, retries, and artillery's slow end. */
const AFTER_MS = 90_000;
/** All on one machine, which may be busy: a bound against hanging. */
const OWN_P99_LIMIT_MS = 60_000;
const FELL_BEHIND_BELOW = 0.9;

export async function runLoad(
  options: LoadOptions,
  env: Environment,
  releases: Releases,
  controller: AbortController,
): Promise<Conclusion> {
  const { signal } = controller;
  const { total, ratePerSecond, seconds } = options;
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (!options.own) await readyService(settingOf(env, "COUPON_URL") ?? DEFAULT_URL);
  await installArtillery();
  const ground = options.own
    ? await layGround({ name: "load", servers: 1, keep: false }, releases, controller)
    : undefined;
  const url = await readyService(ground?.urls[0] ?? settingOf(env, "COUPON_URL") ?? DEFAULT_URL);
  const token = options.own
    ? OPERATOR_TOKEN
    : (settingOf(env, "OPERATOR_TOKEN") ?? localKeyFor(url.href, env)?.token);
  const clients = connectClients(url.href, token);
  releases.add("the client", () => clients.close());

  const phases = launchPhases(ratePerSecond, seconds);
  const gathering = usersIn(phases.slice(0, 1));
  const number = (value: number) => value.toLocaleString("en");
  const dir = await mkdtemp(join(tmpdir(), "coupon-load-"));
  releases.add("the record", () => (options.keep ? undefined : rm(dir, { recursive: true, force: true })));
  const historyFile = join(dir, "history.jsonl");
  const artillery = startArtillery(
    {
      phases,
      p99LimitMs: options.own ? OWN_P99_LIMIT_MS : undefined,
      env: {
        COUPON_URL: url.origin,
        COUPON_HANDOVER: dir,
        COUPON_HISTORY: historyFile,
        COUPON_CODEC: options.codec,
        COUPON_BURST: String(options.burst),
      },
      reportFile: join(dir, "report.json"),
    },
    releases,
    signal,
  );
  // The instant is chosen only now, because the time that artillery takes to start is not known before.
  await (options.burst
    ? artillery.until("its users waited", () => waitingIn(dir) >= gathering, WAITING_DEADLINE_MS)
    : artillery.until("it was loaded", () => isLoaded(dir), WAITING_DEADLINE_MS));
  const leadMs = LEAD_MS + total / CODES_PER_MS + (options.burst ? 0 : SECONDS_BEFORE * 1_000);
  const startsAtMs = Math.ceil((Date.now() + leadMs) / 1_000) * 1_000;
  const plan = { name: "load", total, startsAtMs };
  const campaignId = await orAborted(createCampaign(clients.campaigns, plan), signal);
  handOver(dir, {
    campaignId,
    startsAtMs,
    phasesAtMs: startsAtMs - SECONDS_BEFORE * 1_000 - WORKER_START_MS,
  });
  await waitUntilScheduled(clients.campaigns, campaignId, startsAtMs, signal);
  say(`${number(total)} coupons, one a user, at ${url.origin}: campaign ${campaignId}`);
  const planned = options.burst
    ? `at least ${number(gathering)} of ${number(usersIn(phases))} users wait for it`
    : `${number(usersIn(phases))} users, about ${number(ratePerSecond)} requests a second from then on`;
  say(`opens ${new Date(startsAtMs).toISOString()}; ${planned}`);
  const report = await artillery.report(startsAtMs - Date.now() + seconds * 1_000 + AFTER_MS);

  const history = await readHistory(historyFile);
  // The phases of a burst begin before its instant is known: all its requests come in the first second.
  const fullSeconds = options.burst ? 1 : seconds - SECONDS_BEFORE - (phases.at(-1)?.duration ?? 0);
  const pace = paceOf(history, startsAtMs, fullSeconds);
  say("");
  say(`requests a second: ${sparkline(pace.perSecond)}  ${pace.perSecond.join(" ")}`);
  if (!options.burst && pace.reached < ratePerSecond * FELL_BEHIND_BELOW)
    say(
      `! The load fell behind: ${Math.round(pace.reached)} requests a second instead of ${ratePerSecond}. Artillery, the service and the stores share this machine; see also \`npm run demo\`, whose driver is lighter.`,
    );
  const books = await orAborted(
    auditBooks(clients.campaigns, campaignId, history, {
      stores: ground === undefined ? findStores(env) : storesOf(ground),
      own: ground !== undefined,
      database: ground?.database ?? settingOf(env, "MONGODB_DATABASE") ?? "coupons",
      remote: !isLoopback(url.hostname),
    }),
    signal,
  );
  say("");
  say(`Audit of ${number(history.length)} requests against ${books.scope}:`);
  for (const line of verdictTable(books.verdicts)) say(line);
  if (options.keep) say(`kept: ${dir}`);
  say("");
  const conclusion = conclude({
    report,
    total,
    issued: books.issued,
    requests: history.length,
    reached: pace.reached,
    verdicts: books.verdicts,
    burst: options.burst ? { wanted: gathering, waited: waitingIn(dir) } : undefined,
  });
  for (const reason of conclusion.reasons) say(`! ${reason}`);
  return conclusion;
}

function storesOf({ stack }: Ground): StoreUrls {
  return { redisUrl: stack.redis.url, mongodbUrl: stack.mongodb.url, from: "of its own" };
}

async function readyService(text: string): Promise<URL> {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Trouble(`COUPON_URL is not a URL: ${text}`);
  }
  try {
    const response = await fetch(new URL("/readyz", url), { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
    await response.body?.cancel();
    if (response.ok) return url;
    throw new Trouble(`the service at ${url.origin} is not ready (HTTP ${response.status}): look at its log`);
  } catch (error) {
    if (error instanceof Trouble) throw error;
    throw new Trouble(
      `no coupon service answers at ${url.origin}: start one with \`npm start\` in another terminal, or give its address in COUPON_URL`,
      { cause: error },
    );
  }
}
