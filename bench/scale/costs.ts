/**
 * What each step costs, in microseconds of processor time unless said otherwise. A part that works in batches
 * has a price for each batch and one for each item of it.
 */
export type BatchCost = { readonly batchUs: number; readonly itemUs: number };

export type IdleCost = { readonly serverUs: number; readonly redisUs: number; readonly mongodbUs: number };

export type Costs = {
  /** The server's part of a claim: reading, the queues, both drivers, answering. */
  readonly server: BatchCost;
  /** Redis: the claim, its ledger entry, and settling it. */
  readonly redis: BatchCost;
  readonly mongodb: BatchCost;
  /** The load's part of a request. */
  readonly callerUs: number;
  /** A lone claim waits so long for disks and networks, in all. */
  readonly waitUs: number;
  /** A refusal from the server's memory, sold out or not started. */
  readonly refusalUs: number;
  /** A refusal by the script, in a batch of 256. */
  readonly redisRefusalUs: number;
  readonly statusUs: number;
  /** A second of a stream of WatchCampaign, in the server. */
  readonly watchUs: number;
  /** A second of an idle server process with two campaigns: heartbeat, sweeps, ticks. */
  readonly idle: IdleCost;
  /** One look at a pool, in Redis; each process has `LOOKS_A_SECOND` at each campaign. */
  readonly lookUs: number;
};

/** Two sweeps a second, and a tick of the scheduler. */
export const LOOKS_A_SECOND = 3;

/** What a run of claims took of a part: per item, in batches of this mean size. */
export type Seen = { readonly batch: number; readonly itemUs: number };

/**
 * The two prices that explain two runs with batches of different sizes. A price is never negative: where
 * noise says so, all of it is the other price.
 */
export function fitBatchCost(small: Seen, large: Seen): BatchCost {
  const between = 1 / small.batch - 1 / large.batch;
  const batchUs = between <= 0 ? 0 : Math.max(0, (small.itemUs - large.itemUs) / between);
  const itemUs = large.itemUs - batchUs / large.batch;
  if (itemUs >= 0) return { batchUs, itemUs };
  return { batchUs: large.itemUs * large.batch, itemUs: 0 };
}

/** The cost of an item in batches of this size. */
export const itemCost = ({ batchUs, itemUs }: BatchCost, batch: number): number => itemUs + batchUs / batch;
