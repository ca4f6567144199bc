import { removeBuiltProduct } from "../../local/built.ts";
import { failOnLeak } from "./leak.ts";
import { stopSharedStack } from "./shared-stores.ts";

export const mochaHooks = {
  async afterAll(): Promise<void> {
    await stopSharedStack();
    await removeBuiltProduct();
    failOnLeak();
  },
};
