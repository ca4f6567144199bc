import { setImmediate } from "node:timers/promises";
import { issuanceHashes, packIssuances, unpackIssuances } from "../proof/certified-chunk.ts";
import { codeHashOf, codeSaltOf, keyHashOf, keySaltOf } from "../proof/leaves.ts";
import { CHUNK_LEAVES, rootOf } from "../proof/merkle.ts";
import type { SigningKey } from "../proof/signing-key.ts";
import { certificateLine } from "../proof/statements.ts";
import type { CertificateDoc, Certificates, CertifiedChunk, NewChunk } from "../record/certificates.ts";
import type { Commitments } from "../record/commitments.ts";
import type { Coupons } from "../record/coupons.ts";
import type { CampaignDoc, IssuanceDoc } from "../record/documents.ts";
import type { Issuances } from "../record/issuances.ts";
import type { IssuePosition } from "../record/issue-ranges.ts";
import { commitmentsOf } from "./commitment-facts.ts";

export type CertifyDeps = {
  readonly coupons: Pick<Coupons, "ordinalsOf">;
  readonly issuances: Pick<Issuances, "inOrder">;
  readonly commitments: Pick<Commitments, "seed" | "list">;
  readonly certificates: Certificates;
  readonly signingKey: SigningKey;
  readonly software: string;
  readonly nowMs: () => number;
};

/** Issuances hashed before other work of this process has its turn: about 2 ms. */
const ISSUANCES_A_SLICE = 128;

/** Takes turns with other work: reads when its turn has come, at most as many chunks as it is told. */
export type ReadInTurn = <T>(read: (chunksMax: number) => Promise<T>) => Promise<T>;

/**
 * Makes the certificate of a campaign whose issue order is settled, in chunks of 1,024 issuances that are
 * kept for ever: a call goes on where an earlier one stopped, and several at once make the same. Yields the
 * number of certified issuances after each turn, and returns the certificate that stands.
 */
export async function* makeCertificate(
  deps: CertifyDeps,
  campaign: CampaignDoc,
  inTurn: ReadInTurn,
): AsyncGenerator<number, CertificateDoc> {
  const { certificates, issuances } = deps;
  const campaignId = campaign._id;
  const standing = await certificates.chunks(campaignId);
  const full = new Map(standing.filter(isFull).map((chunk) => [chunk.number, chunk]));
  const made: CertifiedChunk[] = [];
  for (;;) {
    const number = made.length;
    const known = full.get(number);
    if (known !== undefined) {
      made.push(known);
      continue;
    }
    const chunks = await inTurn(async (chunksMax) => {
      // Of an earlier certificate: what it has of a holder stays, also where they were erased meanwhile.
      const begun = standing.findLast((chunk) => chunk.number === number && !isFull(chunk));
      const making: NewChunk[] = [];
      while (making.length < chunksMax) {
        const after = (making.at(-1) ?? made.at(-1))?.last;
        // A page for each chunk: a larger one would hold up the process while it is decoded.
        const page = await issuances.inOrder(campaignId, after, CHUNK_LEAVES);
        if (page.length > 0)
          making.push(await makeChunk(deps, campaignId, number + making.length, page, begun));
        if (page.length < CHUNK_LEAVES) break;
      }
      return making.length === 0 ? [] : certificates.insertChunks(campaignId, making);
    });
    made.push(...chunks);
    const last = chunks.at(-1);
    if (last === undefined) break;
    yield last.number * CHUNK_LEAVES + last.count;
    if (!isFull(last)) break;
  }
  return sign(deps, campaign, made);
}

const isAt = (issuance: IssuanceDoc | undefined, { generation, seq }: IssuePosition) =>
  issuance?.generation === generation && issuance.seq === seq;
const isFull = ({ count }: CertifiedChunk) => count === CHUNK_LEAVES;

/** `begun`: the same chunk with fewer issuances, or another one. */
async function makeChunk(
  { coupons, commitments, certificates }: CertifyDeps,
  campaignId: string,
  number: number,
  page: readonly IssuanceDoc[],
  begun: CertifiedChunk | undefined,
): Promise<NewChunk> {
  const certified =
    begun?.number === number && isAt(page[begun.count - 1], begun.last)
      ? (await certificates.entries(campaignId, [begun])).flatMap(unpackIssuances)
      : [];
  const rest = page.slice(certified.length);
  const ordinals = await coupons.ordinalsOf(rest.map(({ _id }) => _id));
  // Not made anew where nothing is hashed: whoever removed it wants nothing to be opened with it any more.
  const seed = rest.length === 0 ? Buffer.alloc(0) : await commitments.seed(campaignId);
  for (const { _id: code, claimKey, generation, seq, issuedAt } of rest) {
    const ordinal = ordinals.get(code);
    if (ordinal === undefined)
      throw new Error(`campaign ${campaignId} has an issuance of a code that it lacks`);
    const codeHash = codeHashOf(codeSaltOf(seed, code), code);
    const keyHash = keyHashOf(keySaltOf(seed, claimKey), claimKey);
    certified.push({ codeHash, keyHash, ordinal, generation, seq, issuedAtMs: issuedAt.getTime() });
    if (certified.length % ISSUANCES_A_SLICE === 0) await setImmediate();
  }
  const place = (index: number) => {
    const { generation, seq } = certified.at(index) ?? { generation: 0, seq: 0 };
    return { generation, seq };
  };
  const root = rootOf(issuanceHashes(number, certified));
  const chunk = { number, count: certified.length, root, first: place(0), last: place(-1) };
  return { ...chunk, entries: packIssuances(certified) };
}

async function sign(
  { commitments, certificates, signingKey, software, nowMs }: CertifyDeps,
  campaign: CampaignDoc,
  chunks: readonly CertifiedChunk[],
): Promise<CertificateDoc> {
  const { _id: campaignId, name, state, total, onePerUser, startsAt, endsAt, openedAt } = campaign;
  const committedTo = commitmentsOf(await commitments.list(campaignId));
  const issued = chunks.reduce((sum, { count }) => sum + count, 0);
  const statement = certificateLine(
    {
      ...{ campaign: campaignId, name, state, total, onePerUser },
      startsAtMs: startsAt.getTime(),
      endsAtMs: endsAt?.getTime() ?? null,
      openedAtMs: openedAt?.getTime() ?? null,
      ...{ issued, issueRoot: rootOf(chunks.map(({ root }) => root)) },
      ...{ commitments: committedTo, software, madeAtMs: nowMs() },
    },
    signingKey.publicKey,
  );
  return certificates.record({
    ...{ campaignId, issued, committed: committedTo.reduce((sum, { size }) => sum + size, 0) },
    ...{ statement, signature: signingKey.sign(statement) },
  });
}
