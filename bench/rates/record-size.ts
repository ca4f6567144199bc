import { randomUUID } from "node:crypto";
import { type Db, MongoClient } from "mongodb";
import type { CouponDoc, IssuanceDoc } from "../../record/documents.ts";
import { orAborted } from "../releases.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";

const COUPONS = 200_000;
/** As a server inserts them under load. */
const BATCH = 256;
const BYTES_A_GB = 1e9;

type Size = { readonly data: number; readonly disk: number; readonly indexes: number };

/** Bytes a document: uncompressed, in the file of the collection, and in the files of its indexes. */
async function sizeOf(db: Db, name: string): Promise<Size> {
  const { count, size, storageSize, totalIndexSize } = await db.command({ collStats: name });
  if (count < COUPONS) throw new Trouble(`${name} has ${count} documents instead of ${COUPONS}`);
  return { data: size / count, disk: storageSize / count, indexes: totalIndexSize / count };
}

/** Issues all coupons of the campaign in their order, each to a user of its own, directly in MongoDB. */
async function issueAll(db: Db, campaignId: string, signal: AbortSignal): Promise<void> {
  const coupons = db.collection<CouponDoc>("coupons").find({ campaignId }).sort({ ordinal: 1 });
  const issuances = db.collection<IssuanceDoc>("issuances");
  let docs: IssuanceDoc[] = [];
  const write = async () => {
    await orAborted(issuances.insertMany(docs, { ordered: false }), signal);
    docs = [];
  };
  for await (const { _id, ordinal } of coupons) {
    const made = { _id, campaignId, claimKey: randomUUID(), generation: 1, seq: ordinal + 1 };
    docs.push({ ...made, issuedAt: new Date() });
    if (docs.length === BATCH) await write();
  }
  if (docs.length > 0) await write();
}

/** The codes are those of the generator, and so in no order, as in the indexes of a real sale. */
export const recordSize: Benchmark = {
  name: "record_size",
  what: "bytes of a coupon and of an issuance in MongoDB, with their indexes",
  effort: { rounds: 1, seconds: 1 },
  async run({ ground, signal }) {
    const campaignId = await campaignIn(ground, "scheduled", COUPONS, signal);
    const client = new MongoClient(ground.mongodb.url);
    try {
      const db = client.db(ground.mongodb.database);
      await issueAll(db, campaignId, signal);
      // Files have their size after a checkpoint.
      await client.db("admin").command({ fsync: 1 });
      const coupon = await sizeOf(db, "coupons");
      const issuance = await sizeOf(db, "issuances");
      const figures = Object.entries({ coupon, issuance }).flatMap(([name, size]) =>
        Object.entries(size).map(
          ([part, value]): Figure => ({ name: `${name}_${part}`, value, unit: "bytes" }),
        ),
      );
      const both = [coupon, issuance].reduce((sum, { disk, indexes }) => sum + disk + indexes, 0);
      return {
        figures: [...figures, { name: "disk_of_100m_coupons", value: (both * 1e8) / BYTES_A_GB, unit: "GB" }],
      };
    } finally {
      await client.close();
    }
  },
};
