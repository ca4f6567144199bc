import { setTimeout as sleep } from "node:timers/promises";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { enumName } from "../../../../proto/enum-name.ts";
import {
  type Redemption,
  RedemptionState,
  RedemptionStateSchema,
} from "../../../../proto/gen/coupon/v1/redemption_pb.ts";
import { RedemptionService } from "../../../../proto/gen/coupon/v1/redemption_service_pb.ts";
import {
  RefusalReason,
  RefusalReasonSchema,
  RefusalSchema,
} from "../../../../proto/gen/coupon/v1/refusal_pb.ts";
import { OPERATOR_TOKEN } from "../ground/ground.ts";
import type { Sale } from "../sale.ts";

export type Verb = "reserve" | "confirm" | "cancel" | "redeem" | "void" | "unvoid";

/** `unknown`: it may have happened or not. */
export type Answer =
  | { readonly kind: "done"; readonly state: RedemptionState; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unknown" };

type Asking = { readonly code: string; readonly key: string; readonly timeoutMs?: number };

/** The shop's backends of a round: they ask the servers, and keep what they were answered. */
export type Redeemers = {
  /** One try at one server. */
  ask(server: number, verb: Verb, asking: Asking): Promise<Answer>;
  /** Asks one server after the other until the answer is definite. */
  insist(verb: Verb, asking: Asking, firstServer?: number): Promise<Answer>;
  /** How many tries had an unknown outcome. */
  unknown(): number;
  /** How many keys were answered that they have redeemed the code. */
  winners(code: string): number;
};

const TRY_MS = 6_000;
const PATIENCE_MS = 60_000;
const AGAIN_MS = 100;
/** Nothing was tried, or nobody can tell. */
const NOT_DEFINITE: readonly RefusalReason[] = [RefusalReason.UNCERTAIN, RefusalReason.OVERLOADED];

/** Coupons of the sale, once all of it is sold; the load does not disturb what is done to them. */
export async function soldCodes(sale: Sale): Promise<string[]> {
  await sale.untilTrue("all is sold", () => sale.issued() >= sale.plan.total);
  const codes = sale.history.flatMap(({ outcome }) => (outcome.kind === "issued" ? [outcome.code] : []));
  return [...new Set(codes)];
}

export function redeemersOf(sale: Sale): Redeemers {
  const clients = sale.ground.servers.map(({ url }) => clientOf(url));
  const told = new Map<string, Set<string>>();
  let unknown = 0;

  async function ask(server: number, verb: Verb, asking: Asking): Promise<Answer> {
    const client = clients[server % clients.length];
    if (client === undefined) throw new Error("there is no server");
    try {
      const { redemption, replayed } = await send(client, verb, asking);
      const state = redemption?.state ?? RedemptionState.UNSPECIFIED;
      if (state === RedemptionState.CONFIRMED) noteConfirmed(asking);
      return { kind: "done", state, replayed };
    } catch (error) {
      const [refusal] = ConnectError.from(error).findDetails(RefusalSchema);
      if (refusal !== undefined && !NOT_DEFINITE.includes(refusal.reason))
        return { kind: "refused", reason: enumName(RefusalReasonSchema, refusal.reason) };
      unknown += 1;
      return { kind: "unknown" };
    }
  }

  function noteConfirmed({ code, key }: Asking): void {
    const keys = told.get(code) ?? new Set();
    told.set(code, keys.add(key));
    sale.redeemed.push({ code, key });
    // By the callers' own records, whatever is in MongoDB.
    const max = sale.plan.maxRedemptions ?? 1;
    if (keys.size > max) sale.found("R1", `${keys.size} keys were told that they redeemed one code`);
  }

  return {
    ask,
    async insist(verb, asking, firstServer = 0) {
      const endsAtMs = Date.now() + PATIENCE_MS;
      for (let server = firstServer; Date.now() < endsAtMs; server++) {
        const answer = await ask(server, verb, asking);
        if (answer.kind !== "unknown") return answer;
        await sleep(AGAIN_MS);
      }
      sale.found("U11", `a redeemer that kept asking got no answer to ${verb} within ${PATIENCE_MS} ms`);
      return { kind: "unknown" };
    },
    unknown: () => unknown,
    winners: (code) => told.get(code)?.size ?? 0,
  };
}

type RedemptionClient = Client<typeof RedemptionService>;

function clientOf(baseUrl: string): RedemptionClient {
  const transport = createConnectTransport({
    ...{ baseUrl, httpVersion: "1.1" },
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${OPERATOR_TOKEN}`);
        return next(request);
      },
    ],
  });
  return createClient(RedemptionService, transport);
}

type Sent = { readonly redemption?: Redemption | undefined; readonly replayed: boolean };

async function send(client: RedemptionClient, verb: Verb, asking: Asking): Promise<Sent> {
  const { code, key, timeoutMs = 60_000 } = asking;
  const options = { timeoutMs: TRY_MS };
  switch (verb) {
    case "reserve":
      return client.reserveCoupon({ code, key, timeoutMs: BigInt(timeoutMs) }, options);
    case "confirm":
      return client.confirmRedemption({ code, key }, options);
    case "cancel":
      return client.cancelRedemption({ code, key }, options);
    case "redeem":
      return client.redeemCoupon({ code, key }, options);
    case "void":
      return { replayed: (await client.voidCoupon({ code, reason: key }, options)).already };
    case "unvoid":
      return { replayed: (await client.unvoidCoupon({ code, reason: key }, options)).already };
    default:
      return verb satisfies never;
  }
}

export const isState = (answer: Answer, state: keyof typeof RedemptionState) =>
  answer.kind === "done" && answer.state === RedemptionState[state];
export const isRefused = (answer: Answer, ...reasons: readonly string[]) =>
  answer.kind === "refused" && reasons.includes(answer.reason);
export const wordsOf = (answer: Answer) =>
  answer.kind === "done"
    ? enumName(RedemptionStateSchema, answer.state)
    : answer.kind === "refused"
      ? answer.reason
      : "no answer";
