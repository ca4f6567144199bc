import { setTimeout as sleep } from "node:timers/promises";
import type { Press } from "../../../audit/check-run.ts";
import { type HistoryEntry, type Outcome, stamp } from "../../../audit/history.ts";
import type { ToldRedemption } from "../../../audit/redemptions.ts";
import { createCampaign } from "../../../bench/load/campaign.ts";
import { connectClients } from "../../../bench/load/connect-client.ts";
import { createHttpClient, type HttpClient, KEY_SEPARATOR } from "../../../callers/http-client.ts";
import { isDefinite } from "../../../callers/press.ts";
import { type Random, shuffle } from "../../../callers/random.ts";
import { type Again, askUntilDefinite } from "../../../client/ask-again.ts";
import { until } from "../../../local/poll.ts";
import { campaignKeys } from "../../../pool/keys.ts";
import { type Ground, OPERATOR_TOKEN } from "./ground/ground.ts";
import type { Server } from "./ground/server.ts";
import { metricOf } from "./ground/tallies.ts";
import { HazardMissed } from "./hazard.ts";
import { type ToldEvents, watchEvents } from "./judge/event-witness.ts";
import { watchGenerations, watchReplies } from "./judge/witness.ts";

export type SalePlan = {
  readonly total: number;
  readonly users: number;
  /** From the start to the last arrival. */
  readonly overMs: number;
  /** From the creation to the start. */
  readonly leadMs: number;
  /** How long before the start the arrivals begin. */
  readonly earlyMs: number;
  /** The least time for which a caller waits after an unknown answer before it asks again. */
  readonly retryMs: number;
  /**
   * How many coupons the campaign gives each user; default 1. With more, each user asks with
   * `requestsPerUser` request ids, each of which is a caller.
   */
  readonly maxPerUser?: number;
  readonly requestsPerUser?: number;
  /** How often each code may be redeemed; default 1. */
  readonly maxRedemptions?: number;
};

export const ORDINARY: SalePlan = {
  total: 500,
  users: 620,
  overMs: 2_200,
  leadMs: 900,
  earlyMs: 150,
  retryMs: 0,
};

/** An entry of the history, and the number of the server that was asked. */
export type Asked = HistoryEntry & { readonly server: number };

export type Evidence = { readonly what: string; readonly value: number; readonly ok: boolean };

/**
 * One sale under fault: the load, the observations, and the means by which a round chooses the moment of its
 * fault.
 */
export type Sale = {
  readonly ground: Ground;
  readonly plan: SalePlan;
  readonly random: Random;
  readonly campaignId: string;
  readonly startsAtMs: number;
  readonly keys: ReturnType<typeof campaignKeys>;
  readonly history: readonly Asked[];
  readonly presses: readonly Press[];
  readonly evidence: readonly Evidence[];
  /** The confirmations of redemptions that callers were answered. */
  readonly redeemed: ToldRedemption[];
  /** Extra findings of a round, by the invariant that they violate. */
  readonly findings: readonly { readonly invariant: string; readonly words: string }[];
  issued(): number;
  unknown(): number;
  refused(reason: string): number;
  /**
   * Waits until `count` callers have a coupon.
   * @throws HazardMissed when the sale does not get there
   */
  untilIssued(count: number): Promise<void>;
  /** Waits until start + offset. */
  untilStart(offsetMs: number): Promise<void>;
  untilTrue(what: string, condition: () => boolean | Promise<boolean>, deadlineMs?: number): Promise<void>;
  /** Marks the end of the fault (the last call counts). */
  faultOver(): void;
  /** Marks when the service could work again, after an outage across the start. */
  recovered(): void;
  /** The sum of a counter over the running servers. */
  metric(name: string, label?: string): Promise<number>;
  /** Records evidence of the hazard; a value below `least`: it was missed, and the round is tried again. */
  prove(what: string, value: number, least?: number): void;
  found(invariant: string, words: string): void;
  server(index: number): Server;
  /**
   * Adds a caller that asks until it has a definite answer: first the server with that index, then the next
   * ones. By default, callers ask the servers in turns.
   */
  ask(claimKey: string, firstServer?: number): Promise<void>;
  /** Lets some of the callers that were answered ask again. */
  askAgain(count?: number): Promise<void>;
  /** The campaign's generation and recorded state in MongoDB. */
  recorded(): Promise<{ generation: number; state: string }>;
};

export type SaleRun = {
  readonly sale: Sale;
  /** Lets all callers press; resolves when each has a definite answer or has given up. */
  press(): Promise<void>;
  /** What a reader of the events was told so far. */
  told(): ToldEvents;
  /** Ends the watchers and returns their observations. */
  close(): Promise<{
    generations: readonly number[];
    notYetDurable: readonly string[];
    lookedUp: number;
    lastFaultAtMs: number | undefined;
    recoveredAtMs: number | undefined;
  }>;
};

const TRY_TIMEOUT_MS = 3_000;
const PATIENCE_MS = 60_000;
const SOCKETS_MAX = 128;
/** A bound against hanging, also on a machine that is busy with other work. */
const WAIT_MS = 60_000;
const FIRST_WAIT_MS = 40;
/** Of the back-off, and of the wait that the service asks for. */
const WAIT_MOST_MS = 400;
const PRESS_TWICE = 0.12;
const ASK_AGAIN = 60;
export const USER_PREFIX = "chaos~user-";

export async function openSale(ground: Ground, plan: SalePlan, random: Random): Promise<SaleRun> {
  const asking = ground.servers.filter(({ takesClaims }) => takesClaims);
  const [first] = asking;
  if (first === undefined) throw new Error("no server takes claims");
  const { maxPerUser = 1, requestsPerUser = 1 } = plan;
  const keyField = maxPerUser > 1 ? "both" : "userId";
  const https: HttpClient[] = ground.servers.map(({ url }) => createHttpClient(url, SOCKETS_MAX, keyField));
  const operator = connectClients(first.url, OPERATOR_TOKEN);
  const startsAtMs = Date.now() + plan.leadMs;
  const campaignId = await createCampaign(operator.campaigns, {
    name: "chaos",
    total: plan.total,
    startsAtMs,
    maxPerUser,
    maxRedemptions: plan.maxRedemptions,
  }).finally(() => operator.close());
  const keys = campaignKeys(campaignId);
  await ground.follow(keys.meta);

  const history: Asked[] = [];
  const presses: Press[] = [];
  const evidence: Evidence[] = [];
  const findings: { invariant: string; words: string }[] = [];
  const redeemed: ToldRedemption[] = [];
  const holders = new Set<string>();
  const tally = { unknown: 0, refused: new Map<string, number>() };
  const replies = watchReplies(ground.db);
  const generations = watchGenerations(ground.db, campaignId);
  const events = watchEvents(ground.servers, campaignId);
  let lastFaultAtMs: number | undefined;
  let recoveredAtMs: number | undefined;
  let turn = 0;

  async function tryOnce(claimKey: string, index: number) {
    const invoked = stamp();
    const { outcome, retryAfterMs } = await (https[index] as HttpClient).ask(
      campaignId,
      claimKey,
      TRY_TIMEOUT_MS,
    );
    const answered = stamp();
    history.push({
      claimKey,
      invokedAtMs: invoked.atMs,
      answeredAtMs: answered.atMs,
      invokedOrder: invoked.order,
      answeredOrder: answered.order,
      outcome,
      server: index,
    });
    if (outcome.kind === "issued") {
      holders.add(claimKey);
      replies.told(outcome.code);
    } else if (outcome.kind === "unknown") tally.unknown += 1;
    else tally.refused.set(outcome.reason, (tally.refused.get(outcome.reason) ?? 0) + 1);
    return { outcome, retryAfterMs, answeredAtMs: answered.atMs };
  }

  /** Asks one server after the other until the answer is definite; "too early" is not. */
  async function pressUntilDefinite(claimKey: string, firstServer = turn++): Promise<void> {
    const firstAskedAtMs = Date.now();
    const { answer: last, isDefinite: isAnswered } = await askUntilDefinite({
      async ask(tries) {
        const server = asking[(firstServer + tries - 1) % asking.length] as Server;
        const answer = await tryOnce(claimKey, ground.servers.indexOf(server));
        return { answer, again: againAfter(answer) };
      },
      wait: (waitMs) => sleep(waitMs),
      backOff: {
        ...{ firstMs: Math.max(FIRST_WAIT_MS, plan.retryMs), mostMs: Math.max(WAIT_MOST_MS, plan.retryMs) },
        ...{ jitterFrom: 0.75, jitterTo: 1.25, askedMostMs: WAIT_MOST_MS },
      },
      clock: { elapsed: () => performance.now() },
      ...{ random, patienceMs: PATIENCE_MS },
    });
    presses.push({
      claimKey,
      firstAskedAtMs: isAnswered ? Math.max(firstAskedAtMs, startsAtMs) : firstAskedAtMs,
      answeredAtMs: isAnswered ? last.answeredAtMs : undefined,
    });
  }

  /** A caller that was too early comes back soon after the start, whatever the service's pace. */
  function againAfter({
    outcome,
    retryAfterMs,
  }: {
    outcome: Outcome;
    retryAfterMs: number;
  }): Again | undefined {
    if (outcome.kind === "refused" && outcome.reason === "NOT_STARTED")
      return { retryAfterMs: Math.min(300, Math.max(5, startsAtMs - Date.now())), isPaced: true };
    return isDefinite(outcome) ? undefined : { retryAfterMs, isPaced: false };
  }

  const sale: Sale = {
    ...{ ground, plan, random, campaignId, startsAtMs, history, presses, evidence, findings, redeemed },
    keys,
    issued: () => holders.size,
    unknown: () => tally.unknown,
    refused: (reason) => tally.refused.get(reason) ?? 0,
    async untilIssued(count) {
      if (!(await until(() => holders.size >= count, WAIT_MS, 3)))
        throw new HazardMissed(`${holders.size} of ${count} were issued`);
    },
    untilStart: (offsetMs) => sleep(Math.max(0, startsAtMs + offsetMs - Date.now())),
    async untilTrue(what, condition, deadlineMs = WAIT_MS) {
      if (!(await until(condition, deadlineMs, 3))) throw new Error(`waited in vain: ${what}`);
    },
    faultOver() {
      lastFaultAtMs = Date.now();
    },
    recovered() {
      recoveredAtMs = Date.now();
    },
    async metric(name, label = "") {
      const live = ground.servers.filter(({ isRunning, takesClaims }) => isRunning && takesClaims);
      const values = await Promise.all(live.map(({ pagesUrl }) => metricOf(pagesUrl, name, label)));
      return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
    },
    prove: (what, value, least = 1) => void evidence.push({ what, value, ok: value >= least }),
    found: (invariant, words) => void findings.push({ invariant, words }),
    server(index) {
      const server = ground.servers[index];
      if (server === undefined) throw new Error(`there is no server ${index}`);
      return server;
    },
    ask: pressUntilDefinite,
    async askAgain(count = ASK_AGAIN) {
      const everybody = shuffle([...new Set(history.map(({ claimKey }) => claimKey))], random);
      await Promise.all(everybody.slice(0, count).map((claimKey) => pressUntilDefinite(claimKey)));
    },
    async recorded() {
      const campaigns = ground.db.collection<{ _id: string; generation: number; state: string }>("campaigns");
      const doc = await campaigns.findOne({ _id: campaignId });
      if (doc === null) throw new Error("the campaign is gone from MongoDB");
      return { generation: doc.generation, state: doc.state };
    },
  };
  let closed: ReturnType<SaleRun["close"]> | undefined;

  async function close(): ReturnType<SaleRun["close"]> {
    for (const { close: closeClient } of https) closeClient();
    await events.close();
    const [seen, told] = [await generations.close(), await replies.close()];
    return { generations: seen, ...told, lastFaultAtMs, recoveredAtMs };
  }

  return {
    sale,
    told: events.told,
    async press() {
      const names = Array.from({ length: plan.users }, (_, i) =>
        maxPerUser > 1
          ? `${USER_PREFIX}${Math.floor(i / requestsPerUser)}${KEY_SEPARATOR}${i % requestsPerUser}`
          : `${USER_PREFIX}${i}`,
      );
      const spanMs = plan.earlyMs + plan.overMs;
      const arrivals = shuffle(names, random).map((claimKey, i) => ({
        claimKey,
        dueMs: startsAtMs - plan.earlyMs + (i * spanMs) / names.length,
      }));
      await Promise.all(
        arrivals.map(async ({ claimKey, dueMs }) => {
          await sleep(Math.max(0, dueMs - Date.now()));
          const twice = random() < PRESS_TWICE;
          const later = () => sleep(random() * 30).then(() => pressUntilDefinite(claimKey));
          await Promise.all([pressUntilDefinite(claimKey), ...(twice ? [later()] : [])]);
        }),
      );
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}
