import type { Agenda } from "./agenda.ts";
import type { Costs } from "./costs.ts";
import type { Program } from "./processors.ts";

/** The bounds of the product: CLAIM_BATCH_MAX, batches under way, COMMITS_IN_FLIGHT_MAX, CLAIM_QUEUE_MAX. */
export const BOUNDS = { batch: 256, claims: 2, commits: 4, queue: 20_000 } as const;

/** Requests that came at one instant and are treated alike. */
export type Group = { readonly sinceUs: number; readonly count: number };
export type Outcome = "issued" | "sold-out" | "overloaded" | "early";

/** Redis and MongoDB, as all servers share them. */
export type Stores = {
  readonly redis: Program;
  readonly mongodb: Program;
  /** Codes that nobody has. */
  left: number;
  /** Issuances that are durable. */
  durable: number;
  readonly total: number;
  /** From this instant on the pool is open. */
  readonly opensAtUs: number;
};

export type Server = {
  /** Requests arrive; each is answered once. */
  arrive(count: number): void;
  readonly waiting: () => number;
};

export type ServerDeps = {
  readonly agenda: Agenda;
  readonly costs: Costs;
  readonly cpu: Program;
  readonly stores: Stores;
  readonly answer: (outcome: Outcome, group: Group) => void;
};

/**
 * One server process as `claims/` has it: known answers, a claim queue with two batches under way, a commit
 * queue with four. A group is split where a batch ends.
 */
export function createServer({ agenda, costs, cpu, stores, answer }: ServerDeps): Server {
  const claims: Group[] = [];
  const commits: Group[] = [];
  let queued = 0;
  let claimsUnderWay = 0;
  let commitsUnderWay = 0;
  const { server, redis, mongodb } = costs;
  const readUs = server.itemUs / 2;
  /** The waiting of a lone claim is half in Redis and half in MongoDB. */
  const waitUs = costs.waitUs / 2;

  function claim(): void {
    if (claimsUnderWay >= BOUNDS.claims || claims.length === 0) return;
    claimsUnderWay += 1;
    cpu.run(server.batchUs / 2, () => {
      // The batch is what waits when it is sent.
      const batch = take(claims, BOUNDS.batch);
      const count = sizeOf(batch);
      queued -= count;
      const fresh = Math.min(stores.left, count);
      stores.left -= fresh;
      const us = redis.batchUs + fresh * redis.itemUs + (count - fresh) * costs.redisRefusalUs;
      stores.redis.run(us, () =>
        agenda.after(waitUs, () => {
          claimsUnderWay -= 1;
          commits.push(...take(batch, fresh));
          refuse("sold-out", batch);
          commit();
          claim();
        }),
      );
      claim();
    });
  }

  function commit(): void {
    if (commitsUnderWay >= BOUNDS.commits || commits.length === 0) return;
    commitsUnderWay += 1;
    cpu.run(server.batchUs / 2, () => {
      const batch = take(commits, BOUNDS.batch);
      const count = sizeOf(batch);
      if (count === 0) {
        commitsUnderWay -= 1;
        return;
      }
      stores.mongodb.run(mongodb.batchUs + count * mongodb.itemUs, () =>
        agenda.after(waitUs, () => {
          commitsUnderWay -= 1;
          stores.durable += count;
          cpu.run(count * readUs, () => {
            for (const group of batch) answer("issued", group);
          });
          commit();
        }),
      );
      commit();
    });
  }

  function refuse(outcome: Outcome, groups: readonly Group[]): void {
    const count = sizeOf(groups);
    if (count === 0) return;
    cpu.run((count * costs.refusalUs) / 2, () => {
      for (const group of groups) answer(outcome, group);
    });
  }

  return {
    arrive(count) {
      const group = { sinceUs: agenda.nowUs(), count };
      const isKnown = () => stores.durable >= stores.total;
      const isEarly = () => agenda.nowUs() < stores.opensAtUs;
      const willClaim = !isKnown() && !isEarly();
      cpu.run(count * (willClaim ? readUs : costs.refusalUs / 2), () => {
        if (isKnown() && !willClaim) refuse("sold-out", [group]);
        else if (isEarly()) refuse("early", [group]);
        else {
          const groups = [group];
          const taken = take(groups, Math.max(0, BOUNDS.queue - queued));
          queued += sizeOf(taken);
          claims.push(...taken);
          refuse("overloaded", groups);
          claim();
        }
      });
    },
    waiting: () => queued,
  };
}

const sizeOf = (groups: readonly Group[]): number => groups.reduce((sum, { count }) => sum + count, 0);

/** Takes up to `most` requests from the front; the last group may be split. */
function take(groups: Group[], most: number): Group[] {
  const taken: Group[] = [];
  for (let left = most; left > 0 && groups.length > 0; ) {
    const first = groups[0] as Group;
    if (first.count <= left) {
      taken.push(first);
      groups.shift();
      left -= first.count;
    } else {
      taken.push({ ...first, count: left });
      groups[0] = { ...first, count: first.count - left };
      left = 0;
    }
  }
  return taken;
}
