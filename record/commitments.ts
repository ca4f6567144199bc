import { randomBytes } from "node:crypto";
import { Binary, type Collection, type Db } from "mongodb";
import type { CommitmentDoc } from "./commitment-documents.ts";
import { insertUnordered } from "./unordered-insert.ts";

/** Salted hashes of consecutive codes of one commitment. Written once, never changed. */
type ChunkDoc = {
  /** `campaign/ordinal of the commitment's first code/number of the chunk`, each with leading zeros. */
  _id: string;
  /** 32 bytes each. */
  hashes: Binary;
  root: Binary;
};

/** The secret of a campaign, in a collection of its own: nothing that shows a campaign can show it. */
type SeedDoc = { _id: string; seed: Binary };

export type Chunk = { readonly number: number; readonly hashes: Buffer; readonly root: Buffer };

export type Commitments = ReturnType<typeof createCommitments>;

const SEED_BYTES = 32;
const DIGITS = 8;

/** What commits a campaign to its codes: insert-only, so that any process may go on with what there is. */
export function createCommitments(db: Db) {
  const seeds: Collection<SeedDoc> = db.collection("proof_seeds");
  const chunks: Collection<ChunkDoc> = db.collection("code_hashes");
  const commitments: Collection<CommitmentDoc> = db.collection("commitments");

  const findSeed = async (campaignId: string): Promise<Buffer | undefined> => {
    const found = await seeds.findOne({ _id: campaignId });
    return found === null ? undefined : bufferOf(found.seed);
  };

  return {
    /** The secret of a campaign, if it has one. */
    findSeed,

    /** The secret of a campaign; the first that asks makes it, durably. */
    async seed(campaignId: string): Promise<Buffer> {
      const known = await findSeed(campaignId);
      if (known !== undefined) return known;
      await insertUnordered(db, "proof_seeds", [
        { _id: campaignId, seed: new Binary(randomBytes(SEED_BYTES)) },
      ]);
      const made = await findSeed(campaignId);
      if (made === undefined) throw new Error(`the seed of campaign ${campaignId} cannot be read`);
      return made;
    },

    /** Roots of the chunks that are durable, by their numbers. */
    async chunkRoots(campaignId: string, first: number): Promise<Map<number, Buffer>> {
      const found = await chunks
        .find(chunkRange(campaignId, first), { projection: { root: 1 }, batchSize: 10_000 })
        .toArray();
      return new Map(found.map(({ _id, root }) => [Number(_id.slice(-DIGITS)), bufferOf(root)]));
    },

    async insertChunks(campaignId: string, first: number, made: readonly Chunk[]): Promise<void> {
      const docs = made.map(({ number, hashes, root }) => ({
        _id: chunkId(campaignId, first, number),
        ...{ hashes: new Binary(hashes), root: new Binary(root) },
      }));
      await insertUnordered(db, "code_hashes", docs);
    },

    /** One chunk; null: it is not durable. */
    async chunk(campaignId: string, first: number, number: number): Promise<Chunk | null> {
      const found = await chunks.findOne({ _id: chunkId(campaignId, first, number) });
      return found === null ? null : { number, hashes: bufferOf(found.hashes), root: bufferOf(found.root) };
    },

    /** Makes a commitment, dated by MongoDB, unless there is one that begins with the same code. */
    async record(campaignId: string, first: number, size: number, root: Uint8Array): Promise<CommitmentDoc> {
      const standing = await commitments.findOneAndUpdate(
        { _id: `${campaignId}/${first}` },
        [
          {
            $set: {
              campaignId: { $ifNull: ["$campaignId", campaignId] },
              first: { $ifNull: ["$first", first] },
              size: { $ifNull: ["$size", size] },
              root: { $ifNull: ["$root", new Binary(root)] },
              at: { $ifNull: ["$at", "$$NOW"] },
            },
          },
        ],
        { upsert: true, returnDocument: "after" },
      );
      if (standing === null) throw new Error(`a commitment of campaign ${campaignId} cannot be read`);
      return standing;
    },

    /** All commitments of a campaign, the first codes first. */
    async list(campaignId: string): Promise<CommitmentDoc[]> {
      const range = { $gte: `${campaignId}/`, $lt: `${campaignId}0` };
      const found = await commitments.find({ _id: range }).toArray();
      return found.sort((a, b) => a.first - b.first);
    },
  };
}

const padded = (value: number) => String(value).padStart(DIGITS, "0");

function chunkId(campaignId: string, first: number, number: number): string {
  return `${campaignId}/${padded(first)}/${padded(number)}`;
}

function chunkRange(campaignId: string, first: number) {
  const all = `${campaignId}/${padded(first)}`;
  return { _id: { $gte: `${all}/`, $lt: `${all}0` } };
}

export function bufferOf(binary: Binary): Buffer {
  return Buffer.from(binary.buffer.buffer, binary.buffer.byteOffset, binary.length());
}
