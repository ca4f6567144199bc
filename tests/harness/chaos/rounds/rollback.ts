import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TrapSpec } from "../../../support/wire/proxy.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { whileDown } from "./down.ts";
import { part, proveRebuilt } from "./proofs.ts";

const LOST_ASK = 40;

/** Copies Redis's append-only files; returns a function that puts the copy back. */
export async function copyFiles(sale: Sale): Promise<() => Promise<void>> {
  const { dir } = sale.ground.redis;
  if (dir === undefined) throw new Error("this Redis has no folder of ours");
  const [files, kept] = [join(dir, "appendonlydir"), join(sale.ground.dir, "older")];
  await cp(files, kept, { recursive: true });
  return async () => {
    await rm(files, { recursive: true });
    await cp(kept, files, { recursive: true });
  };
}

/**
 * Stops Redis and starts it with data of long before. The hazard is the number of claims that its data then
 * lacks.
 */
async function comeBack(sale: Sale, putBack: () => Promise<void>): Promise<void> {
  const { ground, keys } = sale;
  const claims = await ground.raw.hLen(keys.claims);
  await whileDown(sale, "redis", putBack);
  const left = await claimsBeforeAnyRepair(sale);
  sale.prove("claims_forgotten", claims - left, Math.floor(sale.plan.total / 10));
}

/** The number of claims in the generation that came back; 0 if the rebuild was faster than this read. */
async function claimsBeforeAnyRepair({ ground, keys }: Sale): Promise<number> {
  const [claims, generation] = await Promise.all([
    ground.raw.hLen(keys.claims),
    ground.raw.hGet(keys.meta, "generation"),
  ]);
  return Number(generation ?? 1) > 1 ? 0 : claims;
}

export const rollbackRounds: readonly Round[] = [
  {
    name: "redis-older-aof-staged",
    sale: { leadMs: 1_200 },
    async act(sale) {
      await sale.untilStart(-350);
      const putBack = await copyFiles(sale);
      sale.prove(
        "staged_in_file",
        (await sale.ground.raw.hGet(sale.keys.meta, "state")) === "staged" ? 1 : 0,
      );
      await part(sale, 0.5);
      await comeBack(sale, putBack);
    },
    after: proveRebuilt,
  },
  {
    name: "redis-older-aof-open",
    quick: true,
    async act(sale) {
      await part(sale, 0.25);
      const putBack = await copyFiles(sale);
      // From now on the claims of one server do not become durable, while the other continues: with Redis's
      // rollback they are lost for good.
      await part(sale, 0.4);
      const times = Number.POSITIVE_INFINITY;
      const spec: TrapSpec = { at: "request", kind: "insert issuances", deed: "hold", times };
      const trap = sale.server(0).mongodb.trap(spec);
      await part(sale, 0.6);
      await comeBack(sale, async () => {
        trap.cut();
        await putBack();
      });
      sale.prove("inserts_lost", trap.caught);
    },
    after: proveRebuilt,
  },
  {
    name: "redis-older-aof-sold-out",
    sale: { overMs: 1_500 },
    async act(sale) {
      await part(sale, 0.5);
      const putBack = await copyFiles(sale);
      await sale.untilTrue("sold out", async () => (await sale.recorded()).state === "SOLD_OUT");
      await comeBack(sale, putBack);
      await sale.askAgain(LOST_ASK);
      // Servers may answer all these callers from memory: only a caller that is new to all servers reaches
      // the old pool.
      let late = 0;
      await sale.untilTrue("the old pool is made again", async () => {
        late += 1;
        await sale.ask(`late-${late}`);
        return (await sale.recorded()).generation > 1;
      });
    },
    after: proveRebuilt,
  },
  {
    name: "redis-empty",
    async act(sale) {
      await part(sale, 0.4);
      const { redis, raw } = sale.ground;
      const files = join(redis.dir ?? "", "appendonlydir");
      await whileDown(sale, "redis", () => rm(files, { recursive: true }));
      sale.prove("keys_lost", (await raw.hGet(sale.keys.meta, "generation")) === "1" ? 0 : 1);
    },
    after: proveRebuilt,
  },
];
