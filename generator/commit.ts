import { setImmediate } from "node:timers/promises";
import type { Lease } from "../campaign/lease.ts";
import { codeHashOf, codeSaltOf } from "../proof/leaves.ts";
import { CHUNK_LEAVES, HASH_BYTES, rootOf } from "../proof/merkle.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Chunk, Commitments } from "../record/commitments.ts";
import type { Coupons } from "../record/coupons.ts";

export type CommitDeps = {
  readonly campaigns: Pick<Campaigns, "recordCommitted">;
  readonly coupons: Pick<Coupons, "codes">;
  readonly commitments: Commitments;
};

/** Codes hashed before other work of this process has its turn: about 2 ms. */
const CODES_A_SLICE = 256;
/** Chunks that are read, hashed and inserted at once: bounds memory for any total. */
const CHUNKS_AT_ONCE = 4;

/**
 * Commits a campaign to its codes, all of which are durable, before any of them can be issued: to those
 * that it was created with, and separately to those that are being added. Goes on where an earlier run
 * stopped: a chunk that is durable is not made again. Makes at most `chunksMax` chunks of 1,024 codes; true
 * when the campaign is committed to all of its codes. A rehearsal needs no commitment, and a campaign whose
 * first codes have none, made by an earlier version, gets none for added ones either.
 */
export async function commitCodes(
  deps: CommitDeps,
  lease: Lease,
  chunksMax = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const { total, adding, rehearsalOf, state } = lease.campaign;
  let { committed = 0 } = lease.campaign;
  if (rehearsalOf !== undefined) return true;
  let chunksLeft = chunksMax;
  if (committed === 0 && state === "GENERATING") {
    chunksLeft = await commitRange(deps, lease, 0, total, chunksLeft);
    if (chunksLeft < 0) return false;
    committed = total;
  }
  if (adding === undefined || committed !== total) return true;
  return (await commitRange(deps, lease, total, adding.count, chunksLeft)) >= 0;
}

/** Returns how many chunks may still be made; -1: not all of these are made yet. */
async function commitRange(
  deps: CommitDeps,
  lease: Lease,
  first: number,
  size: number,
  chunksMax: number,
): Promise<number> {
  const { commitments } = deps;
  const campaignId = lease.campaign._id;
  const seed = await commitments.seed(campaignId);
  const roots = await commitments.chunkRoots(campaignId, first);
  const count = Math.ceil(size / CHUNK_LEAVES);
  const missing = Array.from({ length: count }, (_, number) => number).filter((one) => !roots.has(one));
  for (let at = 0; at < Math.min(missing.length, chunksMax); at += CHUNKS_AT_ONCE) {
    await lease.keep();
    const numbers = missing.slice(at, Math.min(at + CHUNKS_AT_ONCE, chunksMax));
    const made: Chunk[] = [];
    for (const number of numbers) made.push(await makeChunk(deps, campaignId, seed, first, size, number));
    await commitments.insertChunks(campaignId, first, made);
    for (const { number, root } of made) roots.set(number, root);
  }
  if (missing.length > chunksMax) return -1;
  await lease.keep();
  const all = Array.from({ length: count }, (_, number) => roots.get(number) ?? Buffer.alloc(0));
  const standing = await commitments.record(campaignId, first, size, rootOf(all));
  if (standing.size !== size) throw new Error(`campaign ${campaignId} is committed to other codes already`);
  const number = (await commitments.list(campaignId)).findIndex(({ _id }) => _id === standing._id) + 1;
  const { root, at } = standing;
  await deps.campaigns.recordCommitted(campaignId, first + size, { number, first, size, root, at });
  return chunksMax - missing.length;
}

async function makeChunk(
  { coupons }: CommitDeps,
  campaignId: string,
  seed: Uint8Array,
  first: number,
  size: number,
  number: number,
): Promise<Chunk> {
  const from = first + number * CHUNK_LEAVES;
  const end = Math.min(first + size, from + CHUNK_LEAVES);
  const codes = await coupons.codes(campaignId, from, end);
  if (codes.length !== end - from)
    throw new Error(`campaign ${campaignId} lacks codes of the ordinals ${from} to ${end - 1}`);
  const hashes: Buffer[] = [];
  for (const code of codes) {
    hashes.push(codeHashOf(codeSaltOf(seed, code), code));
    if (hashes.length % CODES_A_SLICE === 0) await setImmediate();
  }
  return { number, hashes: Buffer.concat(hashes, hashes.length * HASH_BYTES), root: rootOf(hashes) };
}
