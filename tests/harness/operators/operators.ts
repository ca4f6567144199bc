import { setTimeout as sleep } from "node:timers/promises";
import { type Random, seededRandom } from "../../../callers/random.ts";
import type { Clients } from "../../support/clients.ts";
import { type Call, type CallPlan, makeCall, type Wish } from "./call.ts";

/**
 * Several people at several terminals; each makes one call after another, independently of the others.
 */
export type Operators = {
  /** Lets all operators work until `calls` calls were made in all, or until soon after the campaign's end. */
  work(calls: number): Promise<void>;
  /** Makes one more call. */
  call(wish: Wish): Promise<Call>;
  readonly calls: readonly Call[];
};

export type OperatorsOptions = {
  readonly clients: readonly Clients[];
  readonly campaignId: string;
  /** Alone decides the wishes of each operator, so that they do not depend on which operator is faster. */
  readonly seed: number;
  readonly onCall: (call: Call) => void;
};

const OPERATORS = 3;
/** Larger than OPERATORS, so that no two seeds give an operator the same random numbers. */
const OPERATORS_MOST = 16;
const THINK_MOST_MS = 350;
const DRY_RUN = 0.08;
/** A call with the request id of an earlier one: a terminal that lost its answer. */
const REPEATED = 0.12;
/** How many refusals are enough after the campaign's end; only refusals come then. */
const AFTER_THE_END = 6;

export function createOperators({ clients, campaignId, seed, onCall }: OperatorsOptions): Operators {
  const calls: Call[] = [];
  let number = 0;

  async function carryOut(plan: CallPlan): Promise<Call> {
    const call = await makeCall(clients[plan.server] as Clients, campaignId, plan);
    calls.push(call);
    onCall(call);
    return call;
  }

  /** The endless sequence of one operator's plans. */
  function* plansOf(actor: string, random: Random): Generator<CallPlan, never> {
    const plans: CallPlan[] = [];
    for (;;) {
      const server = Math.floor(random() * clients.length);
      const earlier = plans[Math.floor(random() * plans.length)];
      if (earlier !== undefined && random() < REPEATED) {
        yield { ...earlier, server };
        continue;
      }
      const requestId = `${actor}-${plans.length}`;
      const wish = anyWish(random, Date.now());
      const plan = { wish, actor, requestId, dryRun: random() < DRY_RUN, server };
      plans.push(plan);
      yield plan;
    }
  }

  return {
    calls,
    call: (wish) =>
      carryOut({
        ...{ wish, actor: "closing", dryRun: false, requestId: `closing-${number}` },
        server: number++ % clients.length,
      }),
    async work(most) {
      let left = most;
      let afterTheEnd = AFTER_THE_END;
      const one = async (index: number) => {
        const random = seededRandom(seed * OPERATORS_MOST + index);
        for (const plan of plansOf(`operator-${index}`, random)) {
          if (left === 0 || afterTheEnd <= 0) return;
          left -= 1;
          const { answer } = await carryOut(plan);
          const state = answer.kind === "unknown" ? undefined : answer.state;
          if (state === "ENDED" || state === "CANCELLED") afterTheEnd -= 1;
          await sleep(random() * random() * THINK_MOST_MS);
        }
      };
      await Promise.all(Array.from({ length: OPERATORS }, (_, i) => one(i)));
    },
  };
}

/**
 * The weights of the verbs. A verb that ends a campaign for good is rare, so that most calls come before it.
 */
const WEIGHTS: readonly (readonly [Wish["verb"], number])[] = [
  ["pause", 16],
  ["resume", 24],
  ["reschedule", 10],
  ["add", 30],
  ["edit-name", 6],
  ["edit-end", 6],
  ["end", 0.7],
  ["cancel", 0.5],
];
const WEIGHT = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);

function anyWish(random: Random, nowMs: number): Wish {
  const verb = anyVerb(random() * WEIGHT);
  const within = (least: number, most: number) => Math.round(least + random() * (most - least));
  switch (verb) {
    case "reschedule": {
      const startsAtMs = nowMs + within(-400, 1_200);
      const kind = random();
      if (kind < 0.6) return { verb, startsAtMs };
      return { verb, startsAtMs, endsAtMs: kind < 0.9 ? null : startsAtMs + within(-200, 15_000) };
    }
    case "add":
      return { verb, count: within(1, random() < 0.9 ? 25 : 1_200) };
    case "edit-name":
      return { verb, name: `wave ${within(1, 4)}` };
    case "edit-end":
      return { verb, endsAtMs: random() < 0.6 ? null : nowMs + within(-500, 15_000) };
    default:
      return { verb };
  }
}

function anyVerb(at: number): Wish["verb"] {
  let sum = 0;
  for (const [verb, weight] of WEIGHTS) {
    sum += weight;
    if (at < sum) return verb;
  }
  return "pause";
}
