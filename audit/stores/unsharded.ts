import { type Db, MongoServerError } from "mongodb";
import { StoreDenial } from "../../runtime/store-denial.ts";

/** Over several shards MongoDB does not hold both keys of a document of these to be unique. */
const WHOLE = ["campaigns", "coupons", "issuances"];
/** MongoDB's error codes for a command that this user, or this server, does not have. */
const REFUSED = [13, 59, 115, 323, 8000];
const NO_SUCH_COLLECTION = 26;

/**
 * What the audit reads of one campaign cannot show that a code was given out by another campaign's shard.
 * @throws StoreDenial where a collection is sharded, or it cannot be read whether one is
 */
export async function demandUnsharded(db: Db): Promise<void> {
  const { msg } = await db.command({ hello: 1 });
  if (msg !== "isdbgrid") return;
  const sharded: string[] = [];
  for (const name of WHOLE) if (await isSharded(db, name)) sharded.push(`${db.databaseName}.${name}`);
  if (sharded.length > 0)
    throw new StoreDenial(
      `MongoDB has sharded ${sharded.join(" and ")}: over several shards a code is not held to be unique, and no audit can vouch for it; move it back to one shard`,
    );
}

async function isSharded(db: Db, name: string): Promise<boolean> {
  try {
    const { sharded } = await db.command({ collStats: name });
    return sharded === true;
  } catch (error) {
    const code = error instanceof MongoServerError ? Number(error.code) : undefined;
    if (code === NO_SUCH_COLLECTION) return false;
    if (code === undefined || !REFUSED.includes(code)) throw error;
    throw new StoreDenial(
      `the audit may not read whether MongoDB has sharded ${db.databaseName}.${name}: grant its user collStats (read and readWrite have it)`,
      { cause: error },
    );
  }
}
