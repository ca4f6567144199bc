import { type Stack, startStack } from "../../local/stack.ts";
import { temporaryDir } from "./temporary-dir.ts";

/** A Redis and a MongoDB; `end` stops them and removes their folder. */
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
