import { removeBuiltProduct } from "../../local/built.ts";
import { stopSharedStack } from "./shared-stores.ts";

/** How long after the last test something may keep the process alive before that counts as a leak. */
const LEAK_AFTER_MS = 15_000;

export const mochaHooks = {
  async afterAll(): Promise<void> {
    await stopSharedStack();
    removeBuiltProduct();
    // Mocha does not force an exit: a handle that a test left open would hang the run. Say which, and fail.
    setTimeout(() => {
      process.stderr.write(
        `leak: still open after the tests: ${process.getActiveResourcesInfo().join(", ")}\n`,
      );
      process.exit(1);
    }, LEAK_AFTER_MS).unref();
  },
};
