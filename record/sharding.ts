import { type Db, MongoServerError } from "mongodb";

/**
 * The collections whose unique keys decide. Each has two of them, and over several shards MongoDB holds only
 * a key that begins with the shard key to be unique.
 */
export const UNSHARDED: readonly string[] = [
  "campaigns",
  "coupons",
  "feed_order",
  "issuances",
  "redemptions",
];

/** The `msg` that a mongos replies with. */
const MONGOS = "isdbgrid";
/**
 * Error codes of MongoDB: Unauthorized, CommandNotFound, CommandNotSupported, APIStrictError, and one of
 * Atlas.
 */
const NOT_TOLD = [13, 59, 115, 323, 8000];
const NAMESPACE_NOT_FOUND = 26;

export const isMongos = (hello: { readonly msg?: string }): boolean => hello.msg === MONGOS;

/**
 * Behind a mongos: which of these collections are sharded, ascending, with the name of the database;
 * undefined: the user may not read it. `collStats` needs no more than `readWrite`; where it is refused,
 * `config.collections` is read.
 */
export async function shardedAmong(db: Db): Promise<readonly string[] | undefined> {
  return (await unlessRefused(() => byStats(db))) ?? unlessRefused(() => byConfig(db));
}

async function unlessRefused<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof MongoServerError && NOT_TOLD.includes(Number(error.code))) return undefined;
    throw error;
  }
}

async function byStats(db: Db): Promise<readonly string[]> {
  const sharded = await Promise.all(
    UNSHARDED.map(async (name) => {
      const stats = await db.command({ collStats: name }).catch((error: unknown) => {
        if (error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND) return {};
        throw error;
      });
      return "sharded" in stats && stats["sharded"] === true ? [`${db.databaseName}.${name}`] : [];
    }),
  );
  return sharded.flat();
}

async function byConfig(db: Db): Promise<readonly string[]> {
  // A collection that was moved whole to one shard is listed too, as unsplittable.
  const ids = UNSHARDED.map((name) => `${db.databaseName}.${name}`);
  const found = await db.client
    .db("config")
    .collection<{ _id: string }>("collections")
    .find({ _id: { $in: ids }, dropped: { $ne: true }, unsplittable: { $ne: true } })
    .toArray();
  return found.map(({ _id }) => _id).sort();
}
