import { hostOf, type NodeAddress } from "./redis-url.ts";

/** What a Sentinel says: where the master is, and the epoch of that configuration: one more each failover. */
export type SentinelAnswer = { readonly master: NodeAddress; readonly epoch: number };

/** What is known before: the Sentinels in all, the newest epoch that was believed, the master in use. */
export type Knowledge = {
  readonly sentinels: number;
  readonly epoch: number;
  readonly inUse: NodeAddress | undefined;
};

/**
 * Chooses the answer of the highest epoch: a Sentinel that was cut off, or was down, still names the master
 * of an older one. undefined: none answers, or those who do are older than what was believed before. Only
 * where every Sentinel is older, they were set up anew, and are believed. Of several masters of one epoch,
 * which only Sentinels that were set up differently name, the one in use stays, else the one that most of
 * them name.
 */
export function believedMaster(
  answers: readonly SentinelAnswer[],
  { sentinels, epoch, inUse }: Knowledge,
): SentinelAnswer | undefined {
  const newest = Math.max(...answers.map((answer) => answer.epoch));
  const isFromAll = answers.length === sentinels;
  if (answers.length === 0 || (newest < epoch && !isFromAll)) return undefined;
  const named = new Map<string, { readonly answer: SentinelAnswer; by: number }>();
  for (const answer of answers.filter((one) => one.epoch === newest)) {
    const at = hostOf(answer.master);
    const known = named.get(at) ?? { answer, by: 0 };
    known.by += 1;
    named.set(at, known);
  }
  const kept = inUse === undefined ? undefined : named.get(hostOf(inUse));
  const [most] = [...named.values()].sort((a, b) => b.by - a.by);
  return (kept ?? most)?.answer;
}
