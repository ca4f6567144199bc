import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../../../local/poll.ts";
import type { Server } from "../ground/server.ts";
import type { Round } from "../round.ts";
import type { Asked, Sale } from "../sale.ts";
import { part } from "./proofs.ts";

type StoreName = "redis" | "mongodb";

const CUT_MS = 8_000;
/** By then every call that was under way at the cut has missed its deadline. */
const LEARNED_AFTER_MS = 4_000;
const EARLY_LEAST = 50;
/** A bound for a busy machine; U11 judges whether callers have their answers in time. */
const BACK_WITHIN_MS = 10_000;
/** Callers that keep arriving throughout the cut and after it, and coupons for most of them. */
const LONG_SALE = { total: 700, users: 860, overMs: 12_000 } as const;

/** The network between some servers and some stores drops all traffic for a while. */
function cutOff(stores: readonly StoreName[], serversOf: (sale: Sale) => readonly Server[]): Round["act"] {
  return async (sale) => {
    await part(sale, 0.1);
    const servers = serversOf(sale);
    const each = (on: boolean) => {
      for (const server of servers) for (const store of stores) server[store].blackHole(on);
    };
    const cutAtMs = Date.now();
    each(true);
    await sleep(CUT_MS);
    each(false);
    const healedAtMs = Date.now();
    sale.faultOver();
    const cut = new Set(servers.map((server) => sale.ground.servers.indexOf(server)));
    const within = sale.history.filter(
      ({ server, invokedAtMs, answeredAtMs }) =>
        cut.has(server) && invokedAtMs >= cutAtMs && answeredAtMs <= healedAtMs,
    );
    sale.prove("refused_early", within.filter(isEarlyRefusal).length, EARLY_LEAST);
    // Once the server has noticed the cut, no caller waits until a deadline.
    const later = within.filter(({ invokedAtMs }) => invokedAtMs >= cutAtMs + LEARNED_AFTER_MS);
    const waited = later.filter(({ outcome }) => outcome.kind === "unknown").length;
    sale.prove("percent_told_at_once", Math.floor((100 * (later.length - waited)) / later.length), 90);
    sale.prove("p99_during_cut_ms", Math.round(p99(within)), 0);
    const issuedAgain = () =>
      sale.history.filter(
        ({ server, outcome, answeredAtMs }) =>
          cut.has(server) && outcome.kind === "issued" && answeredAtMs > healedAtMs,
      );
    await until(() => issuedAgain().length > 0, BACK_WITHIN_MS);
    const again = issuedAgain();
    sale.prove("issued_again", again.length);
    const firstMs = Math.min(...again.map(({ answeredAtMs }) => answeredAtMs - healedAtMs));
    sale.prove("first_again_after_ms", firstMs, 0);
  };
}

/** How many coupons a server issued to requests within a time. */
export function issuedBy(
  { history }: Sale,
  server: number,
  fromMs: number,
  toMs = Number.POSITIVE_INFINITY,
): number {
  return history.filter(
    (asked) =>
      asked.server === server &&
      asked.outcome.kind === "issued" &&
      asked.invokedAtMs >= fromMs &&
      asked.answeredAtMs <= toMs,
  ).length;
}

/** Proves that a server issues coupons again, once its network is back. */
export async function proveIssuedAgain(sale: Sale, server: number, healedAtMs: number): Promise<void> {
  await until(() => issuedBy(sale, server, healedAtMs) > 0, BACK_WITHIN_MS);
  sale.prove("issued_again", issuedBy(sale, server, healedAtMs));
}

function isEarlyRefusal({ outcome }: Asked): boolean {
  return outcome.kind === "refused" && outcome.reason === "OVERLOADED";
}

function p99(asked: readonly Asked[]): number {
  const tookMs = asked
    .map(({ invokedAtMs, answeredAtMs }) => answeredAtMs - invokedAtMs)
    .sort((a, b) => a - b);
  return tookMs[Math.floor(tookMs.length * 0.99)] ?? Number.NaN;
}

const first = (sale: Sale) => [sale.server(0)];
const all = (sale: Sale) => sale.ground.servers;

/** Servers that cannot reach a store for eight seconds, while the store itself is healthy. */
export const cutOffRounds: readonly Round[] = [
  { name: "cut-off-redis", sale: LONG_SALE, act: cutOff(["redis"], first) },
  { name: "cut-off-mongodb", sale: LONG_SALE, act: cutOff(["mongodb"], first) },
  { name: "cut-off-both", sale: LONG_SALE, act: cutOff(["redis", "mongodb"], all) },
];
