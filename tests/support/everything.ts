import type { Db } from "mongodb";
import type { RawRedis } from "./raw-redis.ts";

/**
 * Both stores, byte for byte: each key of Redis as DUMP returns it, each document in BSON.
 */
export type Everything = ReadonlyMap<string, string>;

/** Collections that change every second without any request. */
const BEATING = ["processes", "probes"];

export async function readEverything(redis: RawRedis, db: Db): Promise<Everything> {
  const all = new Map<string, string>();
  for (const key of (await redis.keys("*")).sort()) {
    const dump = await redis.sendCommand<Buffer>(["DUMP", key], { typeMapping: BUFFERS });
    all.set(`redis ${key}`, dump.toString("base64"));
  }
  for (const { name } of await db.listCollections().toArray()) {
    if (BEATING.includes(name)) continue;
    const documents = db.collection(name).find({}, { raw: true }).sort({ _id: 1 });
    for await (const document of documents) {
      const bytes = document as unknown as Buffer;
      all.set(`mongodb ${name} ${bytes.toString("base64")}`, "");
    }
  }
  return all;
}

/** Returns a bulk reply as bytes: a dump is no text. */
const BUFFERS = { 36: Buffer } as const;

/** The entries that are missing or different in one of the two. */
export function differences(before: Everything, after: Everything): string[] {
  const lost = [...before].filter(([name, bytes]) => after.get(name) !== bytes).map(([name]) => `- ${name}`);
  const come = [...after].filter(([name, bytes]) => before.get(name) !== bytes).map(([name]) => `+ ${name}`);
  return [...lost, ...come].map((line) => line.slice(0, 120));
}

/** Every key and document of both stores that contains an id, also in the collections of BEATING. */
export async function mentionsOf(id: string, redis: RawRedis, db: Db): Promise<string[]> {
  const found = (await redis.keys("*")).filter((key) => key.includes(id));
  for (const { name } of await db.listCollections().toArray()) {
    const documents = await db.collection(name).find({}).toArray();
    const with_ = documents.filter((document) => JSON.stringify(document).includes(id));
    found.push(...with_.map(({ _id }) => `${name} ${String(_id)}`));
  }
  return found;
}
