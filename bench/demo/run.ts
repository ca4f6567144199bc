import { once } from "node:events";
import { join } from "node:path";
import { createHistoryWriter, type HistoryEntry } from "../../audit/history.ts";
import { openAuditor, type Report } from "../../audit/stores/auditor.ts";
import { verdictTable } from "../../audit/verdict-table.ts";
import { planArrivals } from "../../callers/arrivals.ts";
import { createHttpClient } from "../../callers/http-client.ts";
import { pressAll, SOCKETS_MAX } from "../../callers/pressing.ts";
import { createScoreboard, type Second } from "../../callers/scoreboard.ts";
import { createCampaign, waitUntilScheduled } from "../load/campaign.ts";
import { askByConnect, connectClients } from "../load/connect-client.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { expectWritable } from "../output-file.ts";
import { orAborted, type Releases } from "../releases.ts";
import { Interrupted, Trouble } from "../trouble.ts";
import { createProof } from "./certificate.ts";
import { lastWords, layGround } from "./ground.ts";
import { consoleAddress, headerLines } from "./header.ts";
import type { DemoOptions } from "./options.ts";
import { columnHeads, type Paint, secondLine, sparkline } from "./picture.ts";
import { type DemoResult, judge } from "./result.ts";

export type DemoContext = {
  readonly options: DemoOptions;
  readonly releases: Releases;
  readonly controller: AbortController;
  readonly say: (line: string) => void;
  readonly paint: Paint;
};

/** Time to make the codes and to read the header, before the first press is due. */
const LEAD_MS = 3_000;
/** A careful guess, for demos with very many coupons. */
const CODES_PER_MS = 10;
const REST_DEADLINE_MS = 30_000;

/** The whole demo, to its verdict. The caller releases the resources with `releases`. */
export async function runDemo(
  context: DemoContext,
): Promise<{ result: DemoResult; report: Report; address: string }> {
  const { options, releases, controller, say, paint } = context;
  const { signal } = controller;
  if (options.history !== undefined) expectWritable("--history", options.history);
  say("Starting Redis, MongoDB and the service …");
  const ground = await layGround(options, releases, signal, say);
  const { stack, service, baseUrl, database } = ground;
  void service.exited.then((exit) =>
    controller.abort(new Trouble(`the service ended meanwhile: ${lastWords(service, exit)}`)),
  );
  const clients = connectClients(baseUrl, OPERATOR_TOKEN);
  releases.add("the client", () => clients.close());
  const http = createHttpClient(baseUrl, SOCKETS_MAX);
  releases.add("the HTTP client", () => http.close());
  const ask = options.client === "connect" ? askByConnect(clients.coupons) : http.ask;

  const arrivals = planArrivals(options);
  const pressingAtMs = Date.now() + LEAD_MS + Math.ceil(options.total / CODES_PER_MS);
  const startsAtMs = Math.ceil(pressingAtMs / 1_000 + options.secondsBefore) * 1_000;
  const plan = { name: "demo", total: options.total, startsAtMs };
  const campaignId = await orAborted(createCampaign(clients.campaigns, plan), signal);
  for (const line of headerLines({ options, ground, campaignId, startsAtMs, presses: arrivals.length }))
    say(line);
  await waitUntilScheduled(clients.campaigns, campaignId, pressingAtMs, signal);
  const proof = createProof(clients, ground.publicKey, ground.dataDir);
  await orAborted(proof.save(campaignId), signal);
  say("");
  say(`All ${options.total.toLocaleString("en")} codes are in the pool: SCHEDULED.`);
  say("");
  say(paint.bold(columnHeads()));

  const history: HistoryEntry[] = [];
  const scoreboard = createScoreboard(startsAtMs);
  const seconds: Second[] = [];
  const onSecond = (second: Second) => {
    seconds.push(second);
    say(secondLine(second, options.total, paint));
  };
  const { seed } = options;
  const driven = await pressAll({
    ...{ ask, campaignId, startsAtMs, arrivals, seed, history, scoreboard, onSecond, signal },
  });
  signal.throwIfAborted();
  say("");
  say(`  issued a second: ${sparkline(seconds.map((second) => second.issued))}`);
  say(
    `  load: ${driven.launched.toLocaleString("en")} presses, started at worst ${driven.worstLagMs.toFixed(1)} ms late, at most ${driven.mostInFlight} at once`,
  );

  if (options.keep) await keepHistory(join(ground.dataDir, "history.jsonl"), history);
  if (options.history !== undefined) await keepHistory(options.history, history);

  const wanting = new Set(arrivals.map((arrival) => arrival.userId)).size;
  const auditor = await orAborted(
    openAuditor({ redisUrl: stack.redis.url, mongodbUrl: stack.mongodb.url, database }),
    signal,
  );
  releases.add("the audit", () => auditor.close());
  const restStates = wanting >= options.total ? ["SOLD_OUT"] : [];
  const atRest = await orAborted(auditor.waitForRest(campaignId, restStates, REST_DEADLINE_MS), signal);
  const report = await orAborted(auditor.audit(campaignId, { history }), signal);
  say("");
  say(`Both stores against the callers' own record of ${history.length.toLocaleString("en")} requests:`);
  for (const line of verdictTable(report.verdicts)) say(line);
  const isOver = restStates.length > 0 && atRest;
  const certificate = isOver ? await orAborted(proof.check(campaignId, report.issued), signal) : undefined;
  if (certificate !== undefined) say(certificate.line);
  const result = judge({
    report,
    history,
    expectedIssued: Math.min(options.total, wanting),
    unanswered: scoreboard.unanswered() + arrivals.length - driven.finished,
    atRest,
    latency: scoreboard.latencyAfterStart(),
    trouble: certificate?.trouble,
  });
  for (const reason of result.reasons) say(`  ! ${reason}`);
  say("");
  return { result, report, address: consoleAddress(baseUrl, campaignId) };
}

/** Resolves when the user ends the demo with Ctrl-C. Rejects where something else ends it. */
export async function stayOpen({ signal }: AbortController): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
  const reason: unknown = signal.reason;
  if (!(reason instanceof Interrupted)) throw reason;
}

async function keepHistory(file: string, history: readonly HistoryEntry[]): Promise<void> {
  const writer = createHistoryWriter(file);
  for (const entry of history) writer.write(entry);
  await writer.close();
}
