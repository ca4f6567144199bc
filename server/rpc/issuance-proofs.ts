import { setImmediate } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Breaker } from "../../claims/breaker.ts";
import { createLookUpSlots } from "../../claims/look-up-slots.ts";
import type { Claim } from "../../pool/answers.ts";
import { findIssuance, issuanceHashes, unpackIssuances } from "../../proof/certified-chunk.ts";
import { codeSaltOf, keyHashOf, keySaltOf } from "../../proof/leaves.ts";
import { CHUNK_LEAVES, type MerkleTree, treeOf } from "../../proof/merkle.ts";
import type { Commitment } from "../../proof/statements.ts";
import type { GetIssuanceProofResponse } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { GetIssuanceProofResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import {
  type IssuanceProof,
  IssuanceProofSchema,
  SignedStatementSchema,
} from "../../proto/gen/coupon/v1/proof_pb.ts";
import type { CertificateDoc, Certificates, CertifiedChunk } from "../../record/certificates.ts";
import { bufferOf, type Commitments } from "../../record/commitments.ts";
import type { Coupons } from "../../record/coupons.ts";
import type { IssuePosition } from "../../record/issue-ranges.ts";
import { createRecentEntries, type RecentEntries } from "../../runtime/recent-entries.ts";
import type { CampaignCommitments } from "./campaign-commitments.ts";

export type IssuanceProofsDeps = {
  readonly campaignCommitments: Pick<CampaignCommitments, "list" | "signed">;
  readonly commitments: Pick<Commitments, "findSeed" | "chunkRoots" | "chunk">;
  readonly certificates: Pick<Certificates, "newest" | "chunks" | "entries">;
  readonly coupons: Pick<Coupons, "ordinalsOf">;
  readonly reads: Breaker;
};

/**
 * The proof of a coupon for its holder. `asked`: the user id or request id that it was looked up by; empty:
 * it was looked up by its code, and the holder's key is not opened.
 */
export type ProveIssuance = (coupon: Claim, asked: string) => Promise<GetIssuanceProofResponse>;

const SLOTS = { what: "proofs", atOnceMax: 2, waitingMax: 200 } as const;
/**
 * What is kept, so that no tree is made for each proof: of a campaign the tree above its chunks, at most
 * 600 kB; of a chunk its tree (64 kB), and its issuances (84 kB).
 */
const CAMPAIGNS_HALF_MAX = 8;
const CHUNKS_HALF_MAX = 64;

/** Chunks of a certificate, and the tree above them. */
type Certified = { readonly chunks: readonly CertifiedChunk[]; readonly above: MerkleTree };
type IssuanceChunk = { readonly entries: Buffer; readonly tree: MerkleTree };

export function createProveIssuance(deps: IssuanceProofsDeps): ProveIssuance {
  const { campaignCommitments, commitments, certificates, coupons, reads } = deps;
  const slots = createLookUpSlots(SLOTS);
  const codesAbove = createRecentEntries<MerkleTree>(CAMPAIGNS_HALF_MAX);
  const codeChunks = createRecentEntries<MerkleTree>(CHUNKS_HALF_MAX);
  const certifiedOnes = createRecentEntries<Certified>(CAMPAIGNS_HALF_MAX);
  const issuanceChunks = createRecentEntries<IssuanceChunk>(CHUNKS_HALF_MAX);

  async function committed(campaignId: string, code: string, ordinal: number, commitment: Commitment) {
    const { first, size } = commitment;
    const number = Math.floor((ordinal - first) / CHUNK_LEAVES);
    const within = (ordinal - first) % CHUNK_LEAVES;
    const id = `${campaignId}/${first}`;
    const above = await kept(codesAbove, id, async () => {
      const roots = await commitments.chunkRoots(campaignId, first);
      return treeOf(Buffer.concat(inOrder(roots, Math.ceil(size / CHUNK_LEAVES))));
    });
    const tree = await kept(codeChunks, `${id}/${number}`, async () => {
      const chunk = await commitments.chunk(campaignId, first, number);
      if (chunk === null) throw new Error(`a commitment lacks its chunk ${number}`);
      return treeOf(chunk.hashes);
    });
    const seed = await commitments.findSeed(campaignId);
    const codeHash = tree.leaf(within);
    if (seed === undefined)
      throw new ConnectError(
        "campaign gives no more proofs: an operator has removed its seed",
        Code.FailedPrecondition,
      );
    if (codeHash === undefined)
      throw new Error(`the commitment of campaign ${campaignId} lacks the code ${ordinal}`);
    const commitmentPath = Buffer.concat([tree.path(within), above.path(number)]);
    return { seed, facts: { ordinal, codeHash, codeSalt: codeSaltOf(seed, code), commitmentPath } };
  }

  function chunksOf({ _id, campaignId, issued }: CertificateDoc): Promise<Certified> {
    return kept(certifiedOnes, _id, async () => {
      const all = await certificates.chunks(campaignId);
      // The last chunk of an earlier certificate may be there too, with fewer issuances.
      const chunks = all.filter(
        ({ number, count }) => count === Math.min(CHUNK_LEAVES, issued - number * CHUNK_LEAVES),
      );
      return { chunks, above: treeOf(Buffer.concat(chunks.map(({ root }) => root))) };
    });
  }

  async function certified(certificate: CertificateDoc, coupon: Claim, seed: Buffer, asked: string) {
    const { _id, campaignId } = certificate;
    const { chunks, above } = await chunksOf(certificate);
    const chunk = chunks.find(({ last }) => !isBefore(last, coupon));
    if (chunk === undefined) return undefined;
    const { number } = chunk;
    const { entries, tree } = await kept(issuanceChunks, `${_id}/${number}`, async () => {
      const [bytes = Buffer.alloc(0)] = await certificates.entries(campaignId, [chunk]);
      const hashes = issuanceHashes(number, unpackIssuances(bytes));
      await setImmediate();
      return { entries: bytes, tree: treeOf(Buffer.concat(hashes)) };
    });
    const found = findIssuance(entries, coupon);
    if (found === undefined) return undefined;
    const { index, issuance } = found;
    const { generation, seq, issuedAtMs, keyHash } = issuance;
    return {
      ...{ rank: number * CHUNK_LEAVES + index + 1, generation, seq, issuedAtMs: BigInt(issuedAtMs) },
      ...{ keyHash, keySalt: openingSalt(seed, keyHash, asked, coupon) },
      issuePath: Buffer.concat([tree.path(index), above.path(number)]),
    };
  }

  async function prove(coupon: Claim, asked: string): Promise<GetIssuanceProofResponse> {
    const { campaignId, code } = coupon;
    const ordinal = (await reads.ask(() => coupons.ordinalsOf([code]))).get(code);
    const commitment = (await campaignCommitments.list(campaignId)).find(
      ({ first, size }) => ordinal !== undefined && ordinal >= first && ordinal < first + size,
    );
    const answer = create(GetIssuanceProofResponseSchema, {});
    if (ordinal === undefined || commitment === undefined) return answer;
    const { seed, facts } = await reads.ask(() => committed(campaignId, code, ordinal, commitment));
    const statement = campaignCommitments.signed(campaignId, commitment);
    if (statement !== undefined) answer.commitment = statement;
    const certificate = await reads.ask(() => certificates.newest(campaignId));
    const issued =
      certificate === null ? undefined : await reads.ask(() => certified(certificate, coupon, seed, asked));
    answer.proof = create(IssuanceProofSchema, { ...facts, ...issued }) satisfies IssuanceProof;
    if (certificate !== null && issued !== undefined)
      answer.certificate = create(SignedStatementSchema, {
        ...{ statement: certificate.statement, signature: bufferOf(certificate.signature) },
      });
    return answer;
  }

  return (coupon, asked) => slots.run(() => prove(coupon, asked));
}

/**
 * The salt that opens the key for its holder: for the user id or request id that was asked with, or for the
 * claim key as it is stored. After an erasure the stored one is a pseudonym, which opens nothing that was
 * certified before.
 */
function openingSalt(seed: Buffer, keyHash: Uint8Array, asked: string, { claimKey }: Claim): Buffer {
  if (asked === "") return Buffer.alloc(0);
  for (const key of [asked, claimKey]) {
    const salt = keySaltOf(seed, key);
    if (keyHashOf(salt, key).equals(keyHash)) return salt;
  }
  return Buffer.alloc(0);
}

function isBefore(one: IssuePosition, other: IssuePosition): boolean {
  return one.generation < other.generation || (one.generation === other.generation && one.seq < other.seq);
}

function inOrder(roots: ReadonlyMap<number, Buffer>, count: number): Buffer[] {
  return Array.from({ length: count }, (_, number) => {
    const root = roots.get(number);
    if (root === undefined) throw new Error(`a commitment lacks its chunk ${number}`);
    return root;
  });
}

/** What is kept by a key, else what is made now. */
async function kept<V>(entries: RecentEntries<V>, key: string, make: () => Promise<V>): Promise<V> {
  const known = entries.get(key);
  if (known !== undefined) return known;
  const made = await make();
  entries.keep(key, made);
  return made;
}
