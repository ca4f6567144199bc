import type { HistoryEntry, Outcome } from "../../../audit/history.ts";
import type { Issue } from "../../../claims/issue.ts";
import type { ServerProcess } from "./server-process.ts";
import type { Watch } from "./watch.ts";
import { EPOCH_MS, happened, latencyMs, type World } from "./world.ts";

export type ClientOptions = {
  world: World;
  claimKey: string;
  campaignId: string;
  startsAfterMs: number;
  patienceMs: number;
  /** The most requests that it sends; then it leaves without an answer. */
  asksMax: number;
  /** Servers that accept connections now. */
  servers: () => readonly ServerProcess[];
  watch: Watch;
  history: HistoryEntry[];
};

export type Client = {
  readonly claimKey: string;
  /** The first definite answer, if there is one. */
  definite(): { readonly outcome: Outcome; readonly atMs: number } | undefined;
  isDone(): boolean;
  /** Whether it left before it had a definite answer. */
  hasLeft(): boolean;
  /** After the end of the faults: asks until it has a definite answer, also if it had left. */
  askOnceMore(): void;
};

/** Refusals that are final for the caller; after any other answer it asks again with the same key. */
const DEFINITE = new Set(["SOLD_OUT", "ENDED", "CANCELLED"]);
const TYPICAL_MS = 0.5;
const ASK_AGAIN_CHANCE = 0.35;

/** Presses with one claim key until the answer is definite, and sometimes once more afterwards. */
export function startClient(options: ClientOptions): Client {
  const { world, claimKey, campaignId, servers, watch, history, patienceMs } = options;
  const { agenda, random } = world;
  let definite: { outcome: Outcome; atMs: number } | undefined;
  let done = false;
  let isLast = false;
  let hasLeft = false;
  let asks = 0;
  /** An earlier request of it may have tried something, or may still. */
  let mayBeTried = false;
  const nowMs = () => EPOCH_MS + agenda.nowMs();

  function ask(): void {
    const invoked = { invokedAtMs: nowMs(), invokedOrder: agenda.steps() };
    asks++;
    const controller = new AbortController();
    let over = false;
    let server: ServerProcess | undefined;
    let hangUp = (): void => undefined;

    function end(outcome: Outcome): void {
      if (over) return;
      over = true;
      giveUp();
      hangUp();
      mayBeTried ||= outcome.kind !== "refused" && !isOverloaded(outcome);
      agenda.note(`${claimKey} ${JSON.stringify(outcome)}`);
      // An answer is ordered after every event that had happened when it was sent.
      history.push({
        claimKey,
        ...invoked,
        answeredAtMs: nowMs(),
        answeredOrder: agenda.steps() + 0.5,
        outcome,
      });
      next(outcome);
    }

    const giveUp = agenda.in(patienceMs * random.between(0.5, 1), undefined, `${claimKey} gives up`, () => {
      end({ kind: "unknown", message: "timed out" });
      agenda.in(latencyMs(world, TYPICAL_MS), server?.actor, `${claimKey} is gone`, () => controller.abort());
    });
    const unanswered = (message: string, withinMs: number): void => {
      agenda.in(random.between(0, withinMs), undefined, `${claimKey} ${message}`, () =>
        end({ kind: "unknown", message }),
      );
    };

    const up = servers();
    if (up.length === 0) {
      unanswered("connection refused", 50);
      return;
    }
    server = random.pick(up);
    const { actor, issue } = server;
    // When the server crashes, its clients get a connection reset.
    const reset = () => unanswered("connection reset", 100);
    server.connected.add(reset);
    hangUp = () => void server?.connected.delete(reset);
    if (random.chance(world.rough.loseAnswer)) {
      unanswered("request lost", 20);
      return;
    }
    const answerLost = random.chance(world.rough.loseAnswer);
    agenda.in(latencyMs(world, TYPICAL_MS), actor, `<- ${claimKey} asks`, () => {
      watch.asked(claimKey);
      const answer = (outcome: Outcome) => {
        if (isOverloaded(outcome) && !mayBeTried && !over) watch.untried(claimKey);
        if (outcome.kind === "issued")
          watch.acknowledged(claimKey, outcome.code, outcome.seq, outcome.generation ?? 0);
        if (outcome.kind === "refused" && outcome.reason === "SOLD_OUT")
          watch.refused(claimKey, invoked.invokedOrder);
        if (answerLost) unanswered("answer lost", 20);
        else
          agenda.in(latencyMs(world, TYPICAL_MS), undefined, `${claimKey} is answered`, () => end(outcome));
      };
      issue(campaignId, claimKey, controller.signal).then(
        (result) => answer(outcomeOf(result)),
        () => answer({ kind: "unknown", message: "unavailable" }),
      );
    });
  }

  function next(outcome: Outcome): void {
    const knows = outcome.kind === "issued" || (outcome.kind === "refused" && DEFINITE.has(outcome.reason));
    if (knows) definite ??= { outcome, atMs: agenda.nowMs() };
    if (!knows && !isLast && asks >= options.asksMax) {
      hasLeft = true;
      done = true;
      return;
    }
    if (knows && (isLast || !random.chance(ASK_AGAIN_CHANCE))) {
      done = true;
      return;
    }
    if (knows) happened(world, "asked again after a definite answer");
    agenda.in(random.between(5, knows ? 400 : 100), undefined, `${claimKey} presses again`, ask);
  }

  agenda.in(options.startsAfterMs, undefined, `${claimKey} presses`, ask);
  return {
    claimKey,
    definite: () => definite,
    isDone: () => done,
    hasLeft: () => hasLeft,
    askOnceMore() {
      isLast = true;
      done = false;
      agenda.in(0, undefined, `${claimKey} presses once more`, ask);
    },
  };
}

function isOverloaded(outcome: Outcome): boolean {
  return outcome.kind === "unknown" && outcome.message === "OVERLOADED";
}

function outcomeOf(issue: Issue): Outcome {
  if (issue.kind === "issued") {
    const { code, seq, generation, issuedAtMs } = issue.coupon;
    return { kind: "issued", code, seq, generation, issuedAtMs, replayed: issue.replayed };
  }
  const { reason } = issue.refusal;
  // Neither is a final answer.
  if (reason === "UNCERTAIN" || reason === "OVERLOADED") return { kind: "unknown", message: reason };
  return { kind: "refused", reason };
}
