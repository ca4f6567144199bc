import { removeBuiltProduct, shareBuiltProduct } from "../../local/built.ts";
import { failOnLeak, markAlive } from "./leak.ts";
import { startSharedStack, stopSharedStack } from "./shared-stores.ts";

/**
 * Mocha calls the two global ones once a run, with its runner as `this`; in a parallel run that is before the
 * workers are forked.
 */
type Runner = { isParallelMode?(): boolean };

export async function mochaGlobalSetup(this: Runner): Promise<void> {
  if (this.isParallelMode?.() === true) await Promise.all([startSharedStack(), shareBuiltProduct()]);
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stopSharedStack();
  await removeBuiltProduct();
}

/** Once a file in a parallel run, else once a run. */
export const mochaHooks = {
  beforeAll: markAlive,
  async afterAll(): Promise<void> {
    await stopSharedStack();
    await failOnLeak();
  },
};
