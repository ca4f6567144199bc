import type { Document } from "bson";
import { type MongoFront, startMongoFront } from "./wire/mongo-front.ts";
import type { Address } from "./wire/proxy.ts";

/** How a mongos answers about one collection: sharded, or an error of the server's specification. */
export type MongosPlan = {
  /** Names without the database. */
  readonly sharded?: readonly string[];
  /** The error that `collStats` is answered with. */
  readonly statsFail?: { readonly code: number; readonly codeName: string };
  /** The error that a read of the database `config` is answered with. */
  readonly configFails?: { readonly code: number; readonly codeName: string };
};

export type MongosStandIn = MongoFront & {
  readonly url: string;
  /** The commands that came, each with its database: `coupons.collStats`. */
  readonly asked: ReadonlySet<string>;
};

/**
 * Stands in for the router of a sharded cluster, which no engine on these machines can be: it answers `hello`
 * and the questions about sharding as a mongos does, and passes on everything else.
 */
export async function startMongos(target: Address, plan: MongosPlan = {}): Promise<MongosStandIn> {
  const { sharded = [], statsFail, configFails } = plan;
  const asked = new Set<string>();
  const refusal = ({ code, codeName }: { code: number; codeName: string }): Document => ({
    ...{ ok: 0, errmsg: `not authorized to do that (${codeName})`, code, codeName },
  });
  const front = await startMongoFront(target, async ({ name, collection, command, pass }) => {
    const database = String(command["$db"]);
    asked.add(`${database}.${name}`);
    switch (name.toLowerCase()) {
      case "hello":
      case "ismaster":
        return { ...(await pass()), msg: "isdbgrid" };
      case "collstats":
        if (statsFail !== undefined) return refusal(statsFail);
        return { ok: 1, ns: `${database}.${collection}`, sharded: sharded.includes(collection ?? "") };
      case "find": {
        if (database !== "config") return pass();
        if (configFails !== undefined) return refusal(configFails);
        const { $in: ids } = (command["filter"] as { _id: { $in: string[] } })._id;
        const firstBatch = ids
          .filter((id) => sharded.includes(id.slice(id.indexOf(".") + 1)))
          .map((_id) => ({ _id }));
        return { ok: 1, cursor: { id: 0n, ns: "config.collections", firstBatch } };
      }
      default:
        return pass();
    }
  });
  const { host, port } = front.address;
  return { ...front, url: `mongodb://${host}:${port}/`, asked };
}
