import type { Db } from "mongodb";
import type { RawRedis } from "./raw-redis.ts";

/**
 * Both stores, byte for byte: each key of Redis as it would be dumped, each document as it is on the wire.
 */
export type Everything = ReadonlyMap<string, string>;

/** What changes by itself every second, whatever anybody does. */
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

/** The reply as it came: a dump is no text. */
const BUFFERS = { 36: Buffer } as const;

/** What is in one and not, or not so, in the other. */
export function differences(before: Everything, after: Everything): string[] {
  const lost = [...before].filter(([name, bytes]) => after.get(name) !== bytes).map(([name]) => `- ${name}`);
  const come = [...after].filter(([name, bytes]) => before.get(name) !== bytes).map(([name]) => `+ ${name}`);
  return [...lost, ...come].map((line) => line.slice(0, 120));
}

/** Where an id stands, in any key, field or value of either store, also in what changes by itself. */
export async function mentionsOf(id: string, redis: RawRedis, db: Db): Promise<string[]> {
  const found = (await redis.keys("*")).filter((key) => key.includes(id));
  for (const { name } of await db.listCollections().toArray()) {
    const documents = await db.collection(name).find({}).toArray();
    const with_ = documents.filter((document) => JSON.stringify(document).includes(id));
    found.push(...with_.map(({ _id }) => `${name} ${String(_id)}`));
  }
  return found;
}
