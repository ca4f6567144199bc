import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Db } from "mongodb";
import { until } from "../../local/poll.ts";
import { HANG_MS } from "./patience.ts";
import type { RawRedis } from "./raw-redis.ts";

/** Which of these texts the bytes contain; a text that has another one as its beginning must be longer. */
export function textsIn(bytes: Buffer, texts: readonly string[]): string[] {
  return texts.filter((text) => bytes.includes(Buffer.from(text, "utf8")));
}

/** The bytes of every document of every collection, as MongoDB sends them. */
export async function bytesOfMongo(db: Db): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const { name } of await db.listCollections().toArray())
    for await (const document of db.collection(name).find({}, { raw: true }))
      parts.push(document as never as Buffer);
  return Buffer.concat(parts);
}

/** The names and the contents of all keys, as their dumps. */
export async function bytesOfRedis(raw: RawRedis): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const names of raw.scanIterator({ COUNT: 1_000 }))
    for (const name of names) {
      parts.push(Buffer.from(name), Buffer.from(JSON.stringify(await contentOf(raw, name))));
    }
  return Buffer.concat(parts);
}

async function contentOf(raw: RawRedis, key: string): Promise<unknown> {
  switch (await raw.type(key)) {
    case "hash":
      return raw.hGetAll(key);
    case "list":
      return raw.lRange(key, 0, -1);
    case "stream":
      return raw.xRange(key, "-", "+");
    default:
      return raw.get(key);
  }
}

/** The bytes of all files of the append-only file, after Redis has rewritten it. */
export async function bytesOfAof(raw: RawRedis): Promise<Buffer> {
  await raw.sendCommand(["BGREWRITEAOF"]);
  const field = async (name: string) => new RegExp(`${name}:(\\S+)`).exec(await raw.info("persistence"))?.[1];
  const isDone = async () =>
    (await field("aof_rewrite_in_progress")) === "0" && (await field("aof_rewrite_scheduled")) === "0";
  if (!(await until(isDone, HANG_MS, 20))) throw new Error("Redis does not end the rewrite of its file");
  const { dir = "" } = (await raw.configGet("dir")) as Record<string, string>;
  const { appenddirname = "" } = (await raw.configGet("appenddirname")) as Record<string, string>;
  const folder = join(dir, appenddirname);
  const files = await readdir(folder);
  if (files.length === 0) throw new Error("Redis has no append-only file");
  return Buffer.concat(await Promise.all(files.map((file) => readFile(join(folder, file)))));
}
