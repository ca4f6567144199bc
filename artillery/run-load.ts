import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readHistory } from "../audit/history.ts";
import { verdictTable, violated } from "../audit/verdict-table.ts";
import { sparkline } from "../bench/demo/picture.ts";
import { type Ground, layGround } from "../bench/ground.ts";
import { createCampaign, waitUntilScheduled } from "../bench/load/campaign.ts";
import { type Clients, connectClients } from "../bench/load/connect-client.ts";
import { orAborted, type Releases } from "../bench/releases.ts";
import { Trouble } from "../bench/trouble.ts";
import { isLoopback } from "../runtime/loopback.ts";
import { settingOf } from "../runtime/setting.ts";
import { auditBooks } from "./books.ts";
import { installArtillery } from "./install.ts";
import type { LoadOptions } from "./options.ts";
import { paceOf } from "./pace.ts";
import { launchPhases, SECONDS_BEFORE, usersIn } from "./phases.ts";
import { type ArtilleryReport, runArtillery } from "./run-artillery.ts";
import { findStores, type StoreUrls } from "./stores.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = "http://127.0.0.1:8080";
const READY_TIMEOUT_MS = 5_000;
/** Artillery's own start, measured at 4 to 8 s on two busy cores; its `before` hook then waits for the right moment. */
const ARTILLERY_START_MS = 10_000;
/** The same where it shares a machine that may be busy with all else. */
const OWN_START_MS = 40_000;
/** From the end of that hook to the first arrival: the worker thread's start. */
const WORKER_START_MS = 300;
const CODES_PER_MS = 10;
/** After the last arrival: answers, retries, and artillery's slow goodbye. */
const AFTER_MS = 90_000;
/** All on one machine, which may be busy: a bound against hanging. */
const OWN_P99_LIMIT_MS = 60_000;
const BURST_MS = 1_000;
const FELL_BEHIND_BELOW = 0.9;

export async function runLoad(
  options: LoadOptions,
  env: Environment,
  releases: Releases,
  controller: AbortController,
): Promise<{ line: string; pass: boolean }> {
  const { signal } = controller;
  const { total, ratePerSecond, seconds } = options;
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (!options.own) await readyService(settingOf(env, "COUPON_URL") ?? DEFAULT_URL);
  await installArtillery();
  const ground = options.own
    ? await layGround({ name: "load", servers: 1, keep: false }, releases, controller)
    : undefined;
  const url = await readyService(ground?.urls[0] ?? settingOf(env, "COUPON_URL") ?? DEFAULT_URL);
  const clients = connectClients(url.href, settingOf(env, "OPERATOR_TOKEN"));
  releases.add("the client", () => clients.close());

  const phases = launchPhases(ratePerSecond, seconds);
  const users = usersIn(phases);
  const phasesAtMs =
    Date.now() + Math.max(options.own ? OWN_START_MS : ARTILLERY_START_MS, total / CODES_PER_MS);
  const startsAtMs = Math.ceil(phasesAtMs / 1_000 + SECONDS_BEFORE) * 1_000;
  const campaignId = await newCampaign(clients, total, startsAtMs, signal);
  const number = (value: number) => value.toLocaleString("en");
  say(`${number(total)} coupons, one a user, at ${url.origin}: campaign ${campaignId}`);
  say(
    `opens ${new Date(startsAtMs).toISOString()}; ${number(users)} users, about ${number(ratePerSecond)} requests a second from then on`,
  );

  const dir = await mkdtemp(join(tmpdir(), "coupon-load-"));
  releases.add("the record", () => (options.keep ? undefined : rm(dir, { recursive: true, force: true })));
  const historyFile = join(dir, "history.jsonl");
  const report = await runArtillery(
    {
      phases,
      p99LimitMs: options.own ? OWN_P99_LIMIT_MS : undefined,
      env: {
        COUPON_URL: url.origin,
        COUPON_CAMPAIGN: campaignId,
        COUPON_HISTORY: historyFile,
        COUPON_CODEC: options.codec,
        ...(options.burst ? { COUPON_BURST_AT_MS: String(startsAtMs) } : {}),
        COUPON_PHASES_AT_MS: String(startsAtMs - SECONDS_BEFORE * 1_000 - WORKER_START_MS),
      },
      reportFile: join(dir, "report.json"),
      deadlineMs: startsAtMs - Date.now() + seconds * 1_000 + AFTER_MS,
    },
    releases,
    signal,
  );

  const history = await readHistory(historyFile);
  const fullSeconds = seconds - SECONDS_BEFORE - (phases.at(-1)?.duration ?? 0);
  const pace = paceOf(history, startsAtMs, fullSeconds);
  say("");
  say(`requests a second: ${sparkline(pace.perSecond)}  ${pace.perSecond.join(" ")}`);
  if (options.burst && !history.some(({ invokedAtMs }) => Math.abs(invokedAtMs - startsAtMs) < BURST_MS))
    say("! There was no burst at the instant: artillery began after it.");
  if (pace.reached < ratePerSecond * FELL_BEHIND_BELOW)
    say(
      `! The load fell behind: ${Math.round(pace.reached)} requests a second instead of ${ratePerSecond}. Artillery, the service and the stores share this machine; see also \`npm run demo\`, whose driver is lighter.`,
    );
  const books = await orAborted(
    auditBooks(clients.campaigns, campaignId, history, {
      stores: ground === undefined ? findStores(env) : storesOf(ground),
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
  return conclude({
    report,
    total,
    issued: books.issued,
    requests: history.length,
    reached: pace.reached,
    violations: violated(books.verdicts),
  });
}

function storesOf({ stack }: Ground): StoreUrls {
  return { redisUrl: stack.redis.url, mongodbUrl: stack.mongodb.url, from: "of its own" };
}

type Ending = {
  readonly report: ArtilleryReport;
  readonly total: number;
  readonly issued: number;
  readonly requests: number;
  readonly reached: number;
  readonly violations: readonly string[];
};

/** Artillery's exit code carries its thresholds: how fast, how many errors, and no wrong answer. */
export function conclude({ report, total, issued, requests, reached, violations }: Ending): {
  line: string;
  pass: boolean;
} {
  const wrongAnswers = report.counters["coupon.wrong_answers"] ?? 0;
  const pass = violations.length === 0 && report.exitCode === 0 && wrongAnswers === 0 && requests > 0;
  const milliseconds = (value: number | undefined) =>
    value === undefined ? "none" : String(Math.round(value));
  const fields = [
    `load: ${pass ? "PASS" : "FAIL"}`,
    `issued=${issued}/${total}`,
    `requests=${requests}`,
    `rate=${Math.round(reached)}`,
    `p50_ms=${milliseconds(report.responseTime?.p50)}`,
    `p99_ms=${milliseconds(report.responseTime?.p99)}`,
    `failed_users=${report.counters["vusers.failed"] ?? 0}`,
    `wrong_answers=${wrongAnswers}`,
  ];
  if (!pass) fields.push(`violations=${violations.join(",") || "none"}`, `artillery_exit=${report.exitCode}`);
  return { line: fields.join(" "), pass };
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

async function newCampaign(
  { campaigns }: Clients,
  total: number,
  startsAtMs: number,
  signal: AbortSignal,
): Promise<string> {
  const campaignId = await orAborted(createCampaign(campaigns, { name: "load", total, startsAtMs }), signal);
  await waitUntilScheduled(campaigns, campaignId, startsAtMs, signal);
  return campaignId;
}
