import type { CrowdPlan, KindCounts } from "./crowd-plan.ts";
import { createFloodConnection, volleysOf } from "./flood-connection.ts";
import { hostileRequests } from "./hostile-requests.ts";

/** Requests of every kind from every address, at a rate, until it is stopped. */
export type Flood = {
  readonly kinds: Readonly<Record<string, KindCounts>>;
  readonly taken: ReadonlyMap<string, ReadonlySet<string>>;
  stop(): void;
};

const TICK_MS = 5;
/** What a late tick makes up for at most: the crowd must not send a second's requests at once. */
const CATCH_UP_MS = 50;

export function startFlood(plan: CrowdPlan): Flood {
  const { hostname, port } = new URL(plan.url);
  const kinds: Record<string, KindCounts> = {};
  const taken = new Map<string, Set<string>>();
  const onCoupon = (owner: string, code: string) => {
    const codes = taken.get(owner) ?? new Set();
    taken.set(owner, codes.add(code));
  };
  const isWanted = (kind: string) => plan.only.length === 0 || plan.only.includes(kind);
  const wanted = Object.entries(hostileRequests(plan)).filter(([kind]) => isWanted(kind));
  const connections = wanted.flatMap(([kind, requests]) => {
    const counts: KindCounts = { sent: 0, answered: 0, statuses: {}, cut: 0, granted: 0 };
    kinds[kind] = counts;
    const volleys = volleysOf(requests);
    return plan.addresses.map((localAddress) =>
      createFloodConnection({ host: hostname, port: Number(port), localAddress }, volleys, counts, onCoupon),
    );
  });

  let at = 0;
  let lastMs = performance.now();
  let allowed = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    allowed = Math.min(
      allowed + ((nowMs - lastMs) * plan.ratePerSecond) / 1_000,
      (CATCH_UP_MS * plan.ratePerSecond) / 1_000,
    );
    lastMs = nowMs;
    // One whole pass in which no connection takes anything ends the tick.
    for (let idle = 0; allowed >= 1 && idle < connections.length; at++) {
      const sent = connections[at % connections.length]?.send() ?? 0;
      idle = sent > 0 ? 0 : idle + 1;
      allowed -= sent;
    }
  }, TICK_MS);

  return {
    kinds,
    taken,
    stop() {
      clearInterval(timer);
      for (const connection of connections) connection.close();
    },
  };
}
