import type { Sale } from "../sale.ts";

/** Empties Redis, and waits until the pool is rebuilt from MongoDB. */
export async function flushUntilMadeAgain(sale: Sale): Promise<void> {
  // The generation of the pool, not of the record: a rebuild that is under way has raised that one already.
  const generation = async () => Number(await sale.ground.raw.hGet(sale.keys.meta, "generation"));
  const before = await generation();
  await sale.ground.raw.flushAll();
  await sale.untilTrue("the pool is made again", async () => (await generation()) > before);
}
