import { Binary, type Collection, type Db } from "mongodb";
import { bufferOf } from "./commitments.ts";
import type { IssuePosition } from "./issue-ranges.ts";
import { insertUnordered } from "./unordered-insert.ts";

/** A certificate: what was signed. Written once, never changed. */
export type CertificateDoc = {
  /** `campaign/number of issuances/number of committed codes`, with leading zeros: the newest sorts last. */
  _id: string;
  campaignId: string;
  issued: number;
  committed: number;
  /** The line that is signed, and its signature. */
  statement: string;
  signature: Binary;
};

/**
 * Issuances of consecutive ranks as they are certified. Written once: an erasure later does not change
 * it.
 */
type ChunkDoc = {
  /** `campaign/number of the chunk/how many issuances it has`, with leading zeros. */
  _id: string;
  /** By `proof/certified-chunk.ts`. */
  entries: Binary;
  /** Of the tree over them. */
  root: Binary;
  first: IssuePosition;
  last: IssuePosition;
};

/** What is known of a chunk without its issuances. */
export type CertifiedChunk = {
  readonly number: number;
  readonly count: number;
  readonly root: Buffer;
  readonly first: IssuePosition;
  readonly last: IssuePosition;
};

/** A chunk with its issuances, by `proof/certified-chunk.ts`. */
export type NewChunk = CertifiedChunk & { readonly entries: Uint8Array };

export type Certificates = ReturnType<typeof createCertificates>;

const DIGITS = 8;
const HEAD = { projection: { root: 1, first: 1, last: 1 }, batchSize: 10_000 } as const;

/** Certificates and what they are made of: insert-only, so that any process may go on with what there is. */
export function createCertificates(db: Db) {
  const certificates: Collection<CertificateDoc> = db.collection("certificates");
  const chunks: Collection<ChunkDoc> = db.collection("certified_issuances");

  return {
    /** The certificate with the most issuances; null: there is none. */
    newest: (campaignId: string): Promise<CertificateDoc | null> =>
      certificates.findOne({ _id: within(campaignId) }, { sort: { _id: -1 } }),

    /** Makes a certificate, unless there is one of the same counts; returns the one that stands. */
    async record(
      doc: Omit<CertificateDoc, "_id" | "signature"> & { signature: Uint8Array },
    ): Promise<CertificateDoc> {
      const { campaignId, issued, committed } = doc;
      const _id = `${campaignId}/${padded(issued)}/${padded(committed)}`;
      await insertUnordered(db, "certificates", [{ ...doc, _id, signature: new Binary(doc.signature) }]);
      const standing = await certificates.findOne({ _id });
      if (standing === null) throw new Error(`the certificate of campaign ${campaignId} cannot be read`);
      return standing;
    },

    /** Full chunks, and those that end a certificate, by number and count. */
    async chunks(campaignId: string): Promise<CertifiedChunk[]> {
      const found = await chunks
        .find({ _id: within(campaignId) }, HEAD)
        .sort({ _id: 1 })
        .toArray();
      return found.map(headOf);
    },

    /**
     * Makes chunks, each unless there is one; returns those that stand: another process may have been first,
     * and the holder of a coupon may have been erased in between.
     */
    async insertChunks(campaignId: string, made: readonly NewChunk[]): Promise<CertifiedChunk[]> {
      const docs = made.map(({ number, count, root, first, last, entries }) => ({
        _id: chunkId(campaignId, number, count),
        ...{ entries: new Binary(entries), root: new Binary(root), first, last },
      }));
      await insertUnordered(db, "certified_issuances", docs);
      const found = await chunks.find({ _id: { $in: docs.map(({ _id }) => _id) } }, HEAD).toArray();
      if (found.length !== docs.length) throw new Error(`a chunk of campaign ${campaignId} cannot be read`);
      return found.map(headOf).sort((a, b) => a.number - b.number);
    },

    /** The issuances of some chunks, in the order in which these are given. */
    async entries(campaignId: string, wanted: readonly CertifiedChunk[]): Promise<Buffer[]> {
      const ids = wanted.map(({ number, count }) => chunkId(campaignId, number, count));
      const found = await chunks.find({ _id: { $in: ids } }, { projection: { entries: 1 } }).toArray();
      const byId = new Map(found.map(({ _id, entries }) => [_id, entries]));
      return ids.map((id) => {
        const entries = byId.get(id);
        if (entries === undefined) throw new Error(`a certificate lacks its chunk ${id}`);
        return bufferOf(entries);
      });
    },
  };
}

const padded = (value: number) => String(value).padStart(DIGITS, "0");
const within = (campaignId: string) => ({ $gte: `${campaignId}/`, $lt: `${campaignId}0` });

function headOf({ _id, root, first, last }: Omit<ChunkDoc, "entries">): CertifiedChunk {
  const [, number, count] = _id.split("/");
  return { number: Number(number), count: Number(count), root: bufferOf(root), first, last };
}

function chunkId(campaignId: string, number: number, count: number): string {
  return `${campaignId}/${padded(number)}/${padded(count)}`;
}
