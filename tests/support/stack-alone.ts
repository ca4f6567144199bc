import { type Stack, startStack } from "../../local/stack.ts";
import { temporaryDir } from "./temporary-dir.ts";

/** A Redis and a MongoDB in a folder that `end` removes, when it has stopped them. */
export type StackAlone = { readonly stack: Stack; end(): Promise<void> };

export async function startStackAlone(): Promise<StackAlone> {
  const dir = temporaryDir();
  const stack = await startStack({ dataDir: dir.path, join: false });
  return {
    stack,
    async end() {
      await stack.stop();
      dir.remove();
    },
  };
}
