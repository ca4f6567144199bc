import { relative } from "node:path";
import { removeBuiltProduct, shareBuiltProduct } from "../../local/built.ts";
import { repositoryDir } from "../../local/repository.ts";
import { failOnLeak, markAlive } from "./leak.ts";
import { startSharedStack, stopSharedStack } from "./shared-stores.ts";

/**
 * Mocha calls the two global functions once a run, with its runner as `this`; in a parallel run it calls them
 * before it forks the workers.
 */
type Runner = { isParallelMode?(): boolean };

export async function mochaGlobalSetup(this: Runner): Promise<void> {
  if (this.isParallelMode?.() === true) await Promise.all([startSharedStack(), shareBuiltProduct()]);
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stopSharedStack();
  await removeBuiltProduct();
}

/** Called once a file in a parallel run, otherwise once a run. */
export const mochaHooks = {
  beforeAll: markAlive,
  async afterAll(this: Mocha.Context): Promise<void> {
    await stopSharedStack();
    const { suites = [], tests = [] } = this.test?.parent ?? {};
    const files = [...suites, ...tests].map(({ file = "" }) => relative(repositoryDir, file));
    await failOnLeak([...new Set(files)]);
  },
};
