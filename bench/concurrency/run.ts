import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryEntry } from "../../audit/history.ts";
import { openAuditor } from "../../audit/stores/auditor.ts";
import { verdictTable } from "../../audit/verdict-table.ts";
import { layGround } from "../ground.ts";
import { createCampaign, waitUntilScheduled } from "../load/campaign.ts";
import { connectClients } from "../load/connect-client.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { orAborted, type Releases } from "../releases.ts";
import { Trouble } from "../trouble.ts";
import { type Judged, judge, judgeUnfinished } from "./judge.ts";
import type { ConcurrencyOptions } from "./options.ts";
import { openResults, resultLines } from "./results.ts";
import { type Sent, sendAll } from "./send.ts";

export type ConcurrencyContext = {
  readonly options: ConcurrencyOptions;
  readonly releases: Releases;
  readonly controller: AbortController;
  readonly say: (line: string) => void;
};

/** The step, answers and history so far, for the verdict of a run that is late. */
type Progress = { step: string; answers: readonly string[]; readonly history: HistoryEntry[] };

const sinceProcessStartMs = () => performance.now();

/** The run did not end in time. */
class Late extends Trouble {}

/** So much of the time is reserved for ending the servers and stores. */
const ENDING_MS = 4_000;
/** The time for making the codes, in ms, with a careful guess of the codes made in a millisecond. */
const LEAD_MS = 1_500;
const CODES_PER_MS = 10;
/** The requests are sent so long after the start, so that no clock is before it. */
const AFTER_START_MS = 20;

/** Runs it all; the caller releases the resources with `releases`. `line` is the verdict. */
export async function runConcurrency(context: ConcurrencyContext): Promise<Omit<Judged, "reasons">> {
  const { options, releases, controller, say } = context;
  const results = openResults(options.out);
  if (results.earlier !== undefined) say(`results of the run before: ${results.earlier}`);
  const at: Progress = { step: "the stores and servers start", answers: [], history: [] };
  const giveUp = () => controller.abort(new Late(`not done within ${options.withinSeconds} s`));
  const leftMs = options.withinSeconds * 1_000 - ENDING_MS - sinceProcessStartMs();
  const late = setTimeout(giveUp, Math.max(0, leftMs));
  releases.add("the deadline", () => clearTimeout(late));
  try {
    const { lines, judged } = await compete(context, at);
    results.write([...lines, "", judged.line]);
    say(`results: ${results.file}`);
    return judged;
  } catch (error) {
    if (!(controller.signal.reason instanceof Late)) throw error;
    const judged = judgeUnfinished(options, at.history, at.step);
    results.write([...at.answers, judged.line]);
    return judged;
  }
}

async function compete(
  { options, releases, controller, say }: ConcurrencyContext,
  at: Progress,
): Promise<{ lines: string[]; judged: Judged }> {
  const { servers, requests, coupons } = options;
  const { signal } = controller;
  const number = (value: number) => value.toLocaleString("en");
  say(`${number(requests)} requests for ${number(coupons)} coupons, all at once, at ${servers} servers`);
  const ground = await layGround({ name: "concurrency", servers, keep: false }, releases, controller);
  const { stack, urls, database } = ground;
  const clients = connectClients(urls[0], OPERATOR_TOKEN);
  releases.add("the client", () => clients.close());

  at.step = "the codes are made";
  const startsAtMs = Date.now() + LEAD_MS + Math.ceil(coupons / CODES_PER_MS);
  const plan = { name: "concurrency", total: coupons, startsAtMs };
  const campaignId = await orAborted(createCampaign(clients.campaigns, plan), signal);
  await orAborted(waitUntilScheduled(clients.campaigns, campaignId, startsAtMs, signal), signal);
  await sleep(Math.max(0, startsAtMs + AFTER_START_MS - Date.now()), undefined, { signal });

  at.step = "the requests are answered";
  const { history } = at;
  const sent: Sent[] = await orAborted(sendAll({ urls, campaignId, requests, history, signal }), signal);

  const title = `${number(requests)} requests for ${number(coupons)} coupons of campaign ${campaignId}, at ${servers} servers:`;
  at.answers = [title, "", ...resultLines(sent), ""];
  at.step = "the books are audited";
  const stores = { redisUrl: stack.redis.url, mongodbUrl: stack.mongodb.url, database };
  const auditor = await orAborted(openAuditor(stores), signal);
  releases.add("the audit", () => auditor.close());
  const restStates = requests >= coupons ? ["SOLD_OUT"] : [];
  await orAborted(auditor.waitForRest(campaignId, restStates, options.withinSeconds * 1_000), signal);
  const report = await orAborted(auditor.audit(campaignId, { history, signal }), signal);
  const judged = judge(options, sent, report);
  const table = [
    `Both stores against what the ${number(requests)} users were told:`,
    ...verdictTable(report.verdicts),
    ...judged.reasons.map((reason) => `  ! ${reason}`),
  ];
  for (const line of table) say(line);
  return { lines: [...at.answers, ...table], judged };
}
