import type { Campaigns } from "../record/campaigns.ts";
import type { DeadLetters } from "../record/dead-letters.ts";
import type { SinkSettings } from "../record/event-documents.ts";
import type { Feeds } from "../record/feeds.ts";
import type { History } from "../record/history.ts";
import { livePages } from "../record/live-campaigns.ts";
import type { SinkLeases } from "../record/sink-leases.ts";
import type { SeenSink, Sinks } from "../record/sinks.ts";
import type { Cancel } from "../runtime/clock.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";
import type { SeenCampaign } from "./lanes.ts";
import type { LateIssues } from "./late-issues.ts";
import type { OpenSink } from "./sink.ts";
import { sinkLagMs } from "./sink-lag.ts";
import { createSinkRunner, type SinkRunner, type SinkRunnerDeps } from "./sink-runner.ts";
import { createSinkTester } from "./sink-tester.ts";

export type DispatcherDeps = SinkRunnerDeps & {
  readonly sinks: Pick<Sinks, "list" | "retire">;
  readonly leases: SinkLeases;
  readonly campaigns: Pick<Campaigns, "find" | "live" | "overPage">;
  readonly history: Pick<History, "list">;
  readonly feeds: Pick<Feeds, "checksDue">;
  readonly lateIssues: Pick<LateIssues, "askFor">;
  readonly deadLetters: DeadLetters;
  readonly openSink: OpenSink;
};

/**
 * Delivers events to the sinks whose leases this process has. Every process with the role runs one; where one
 * ends, another takes its sinks when their leases are over.
 */
export type Dispatcher = {
  start(): void;
  stop(): Promise<void>;
  /** Each sink, also those that other processes deliver to, as of the last look. */
  status(): readonly SinkStatus[];
};

export type SinkStatus = {
  readonly sink: string;
  readonly kind: SinkSettings["kind"];
  /** `gone`: paused, because its receiver said that it is gone. */
  readonly state: "active" | "paused" | "gone";
  /** Whether this process delivers to it. */
  readonly isHere: boolean;
  readonly lagMs: number;
  readonly deadLetters: number;
};

/** How often the sinks are looked at, in ms; a lease that another process has: every so many looks. */
const LOOK_MS = 500;
const FOREIGN_EVERY = 4;
/** How often campaigns that are over are compared with the cursors, and dead letters counted, in looks. */
const OVER_EVERY = 30;
const PAGE = 500;
const CHECKS_MAX = 20;
const MEMOS_MAX = 100_000;

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { sinks, leases, cursors, campaigns, history, feeds, lateIssues } = deps;
  const { deadLetters, openSink, clock, owner, leaseMs } = deps;
  const logger = deps.logger.child({ component: "events" });
  const tester = createSinkTester({ ...deps, logger });
  const runners = new Map<string, SinkRunner>();
  /** Sinks of `now` whose old campaigns are known to have nothing for them: `key campaign revision`. */
  const nothingNew = new Set<string>();
  let seen: { readonly sinks: readonly SeenSink[]; readonly atMs: number } = { sinks: [], atMs: 0 };
  let dead: ReadonlyMap<string, { readonly letters: number }> = new Map();
  let looks = 0;
  /** A sink was taken over: what its last process left undone may be of campaigns that are over. */
  let isOverDue = false;
  let cancel: Cancel = () => undefined;
  let underWay: Promise<void> = Promise.resolve();
  let isStopped = false;

  async function take(listed: SeenSink): Promise<void> {
    const heldSinceMs = clock.elapsed();
    const doc = await leases.takeLease(listed._id, owner, leaseMs);
    if (doc === null) return;
    isOverDue = true;
    const read = await cursors.ofSink(doc.key);
    const sink = openSink(doc.settings);
    runners.set(doc._id, createSinkRunner({ ...deps, logger }, { doc, sink, cursors: read, heldSinceMs }));
    logger.info({ sink: doc._id, term: doc.term }, "delivering events to the sink");
  }

  async function give(name: string, runner: SinkRunner): Promise<void> {
    runners.delete(name);
    await runner.stop();
    logger.info({ sink: name }, "no longer delivering events to the sink");
  }

  async function lookAtSinks(): Promise<void> {
    const listed = await sinks.list();
    seen = { sinks: listed, atMs: clock.elapsed() };
    tester.look(listed);
    if (listed.length > 0 && looks % OVER_EVERY === 1) dead = await deadLetters.counts();
    const active = new Map(listed.filter(({ paused }) => !paused).map((doc) => [doc._id, doc]));
    for (const [name, runner] of [...runners]) {
      if (!active.has(name) || !(await runner.renew())) await give(name, runner);
    }
    for (const [name, doc] of active) {
      const isForeign = doc.lease !== undefined && doc.lease.owner !== owner;
      if (!runners.has(name) && (!isForeign || looks % FOREIGN_EVERY === 0)) await take(doc);
    }
    for (const runner of runners.values())
      void runner.replay().catch((error: unknown) => logger.warn({ err: error }, "a replay failed"));
  }

  async function lookAtCampaigns(): Promise<void> {
    for await (const page of livePages(campaigns, () => undefined))
      for (const campaign of page) for (const runner of runners.values()) runner.see(campaign);
    if (looks % OVER_EVERY !== 1 && !isOverDue) return;
    isOverDue = false;
    const due = new Set(await feeds.checksDue(CHECKS_MAX));
    for (const campaignId of due) lateIssues.askFor(campaignId);
    let after = "";
    for (;;) {
      const page = await campaigns.overPage(after, PAGE);
      for (const campaign of page) await seeOver(campaign, due.has(campaign._id));
      after = page.at(-1)?._id ?? "";
      if (page.length < PAGE) return;
    }
  }

  /** A campaign that is over: most often everything of it was delivered long ago. */
  async function seeOver(campaign: SeenCampaign, isDue: boolean): Promise<void> {
    const { _id: campaignId, revision = 0 } = campaign;
    for (const runner of runners.values()) {
      if (runner.isDone(campaign) && !isDue) continue;
      const { key, since } = runner.doc;
      const memo = `${key} ${campaignId} ${revision}`;
      if (nothingNew.has(memo)) continue;
      if (since !== undefined && !isDue) {
        const [last] = await history.list(campaignId, undefined, 1);
        // Nothing has happened to it since the sink was added; nothing is issued after the last change.
        if (last !== undefined && last.at < since) {
          if (nothingNew.size >= MEMOS_MAX) nothingNew.clear();
          nothingNew.add(memo);
          continue;
        }
      }
      runner.see(campaign);
    }
  }

  async function look(): Promise<void> {
    looks++;
    await lookAtSinks();
    if (runners.size > 0 && (looks % 2 === 1 || isOverDue)) await lookAtCampaigns();
  }

  const round = troubleOnce(look, {
    failed: (error) => logger.warn({ err: error }, "sinks cannot be looked at; the next round tries again"),
    recovered: () => logger.info("sinks can be looked at again"),
  });

  function next(): void {
    if (isStopped) return;
    underWay = round().then(() => {
      if (!isStopped) cancel = clock.after(LOOK_MS, next);
    });
  }

  return {
    start: next,
    async stop() {
      isStopped = true;
      cancel();
      await underWay;
      await tester.stop();
      await Promise.all([...runners].map(([name, runner]) => give(name, runner)));
    },
    status: () =>
      seen.sinks.map((sink) => {
        const { _id: name, key, settings, now } = sink;
        return {
          ...{ sink: name, kind: settings.kind, state: stateOf(sink), isHere: runners.has(name) },
          lagMs: sinkLagMs(sink, now.getTime() + clock.elapsed() - seen.atMs),
          deadLetters: dead.get(key)?.letters ?? 0,
        };
      }),
  };
}

function stateOf({ paused, goneBecause }: SeenSink): SinkStatus["state"] {
  if (paused !== true) return "active";
  return goneBecause === undefined ? "paused" : "gone";
}
