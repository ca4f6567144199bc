import { create } from "@bufbuild/protobuf";
import type { Breaker } from "../../claims/breaker.ts";
import { createLookUpSlots } from "../../claims/look-up-slots.ts";
import type { Claim } from "../../pool/answers.ts";
import { issuanceHashes, unpackIssuances } from "../../proof/certified-chunk.ts";
import { type CertifiedIssuance, codeSaltOf, keyHashOf, keySaltOf } from "../../proof/leaves.ts";
import { CHUNK_LEAVES, HASH_BYTES, pathOf } from "../../proof/merkle.ts";
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
import { createRecentEntries } from "../../runtime/recent-entries.ts";
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
/** What is kept: roots of the chunks of a campaign, at most 160 kB each; and chunks of 1,024 hashes. */
const TREES_HALF_MAX = 8;
const CHUNKS_HALF_MAX = 64;

type Tree = { readonly id: string; readonly chunks: readonly CertifiedChunk[] };

export function createProveIssuance(deps: IssuanceProofsDeps): ProveIssuance {
  const { campaignCommitments, commitments, certificates, coupons, reads } = deps;
  const slots = createLookUpSlots(SLOTS);
  const trees = createRecentEntries<Tree>(TREES_HALF_MAX);
  const codeRoots = createRecentEntries<readonly Buffer[]>(TREES_HALF_MAX);
  const codeChunks = createRecentEntries<Buffer[]>(CHUNKS_HALF_MAX);
  const issuanceChunks = createRecentEntries<CertifiedIssuance[]>(CHUNKS_HALF_MAX);

  async function committed(campaignId: string, code: string, ordinal: number, commitment: Commitment) {
    const { first, size } = commitment;
    const index = ordinal - first;
    const number = Math.floor(index / CHUNK_LEAVES);
    const treeId = `${campaignId}/${first}`;
    const count = Math.ceil(size / CHUNK_LEAVES);
    const roots = codeRoots.get(treeId) ?? inOrder(await commitments.chunkRoots(campaignId, first), count);
    codeRoots.keep(treeId, roots);
    const chunkId = `${treeId}/${number}`;
    const hashes = codeChunks.get(chunkId) ?? hashesIn(await commitments.chunk(campaignId, first, number));
    codeChunks.keep(chunkId, hashes);
    const seed = await commitments.findSeed(campaignId);
    const within = index % CHUNK_LEAVES;
    const codeHash = hashes[within];
    if (seed === undefined || codeHash === undefined)
      throw new Error(`the commitment of campaign ${campaignId} lacks the code ${ordinal}`);
    const commitmentPath = Buffer.concat([...pathOf(hashes, within), ...pathOf(roots, number)]);
    return { seed, facts: { ordinal, codeHash, codeSalt: codeSaltOf(seed, code), commitmentPath } };
  }

  async function treeOf({ _id, campaignId, issued }: CertificateDoc): Promise<Tree> {
    const kept = trees.get(_id);
    if (kept !== undefined) return kept;
    const all = await certificates.chunks(campaignId);
    // The last chunk of an earlier certificate may be there too, with fewer issuances.
    const chunks = all.filter(
      ({ number, count }) => count === Math.min(CHUNK_LEAVES, issued - number * CHUNK_LEAVES),
    );
    const tree = { id: _id, chunks };
    trees.keep(_id, tree);
    return tree;
  }

  async function certified(certificate: CertificateDoc, coupon: Claim, seed: Buffer, asked: string) {
    const { campaignId } = certificate;
    const { id, chunks } = await treeOf(certificate);
    const chunk = chunks.find(({ last }) => !isBefore(last, coupon));
    if (chunk === undefined) return undefined;
    const chunkId = `${id}/${chunk.number}`;
    const issuances =
      issuanceChunks.get(chunkId) ?? unpackIssuances(await certificates.entries(campaignId, chunk));
    issuanceChunks.keep(chunkId, issuances);
    const index = issuances.findIndex(
      ({ generation, seq }) => generation === coupon.generation && seq === coupon.seq,
    );
    const issuance = issuances[index];
    if (issuance === undefined) return undefined;
    const { generation, seq, issuedAtMs, keyHash } = issuance;
    const hashes = issuanceHashes(chunk.number, issuances);
    const roots = chunks.map(({ root }) => root);
    return {
      ...{ rank: chunk.number * CHUNK_LEAVES + index + 1, generation, seq, issuedAtMs: BigInt(issuedAtMs) },
      ...{ keyHash, keySalt: openingSalt(seed, keyHash, asked, coupon) },
      issuePath: Buffer.concat([...pathOf(hashes, index), ...pathOf(roots, chunk.number)]),
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

function hashesIn(chunk: { readonly hashes: Buffer } | null): Buffer[] {
  const bytes = chunk?.hashes ?? Buffer.alloc(0);
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, i) =>
    bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}
