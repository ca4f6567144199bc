import { readFileSync } from "node:fs";
import { type CommandParser, defineScript } from "redis";

const INCLUDE = /^-- @include (\S+)$/gm;

/** The text of `pool/lua/<name>.lua` with its `-- @include <part>` lines replaced by `include-<part>.lua`. */
export function scriptText(name: string): string {
  const read = (file: string) => readFileSync(new URL(`./lua/${file}.lua`, import.meta.url), "utf8");
  return read(name).replace(INCLUDE, (_, part: string) => read(`include-${part}`));
}

/**
 * A script as node-redis wants it: sent as EVALSHA, and as EVAL when Redis does not know it (after SCRIPT FLUSH or a restart).
 * Its reply is passed through as it is; `pool.ts` gives it its type.
 */
export function luaScript(name: string, numberOfKeys: number) {
  return defineScript({
    SCRIPT: scriptText(name),
    NUMBER_OF_KEYS: numberOfKeys,
    parseCommand(parser: CommandParser, keys: readonly string[], args: readonly string[]) {
      if (keys.length !== numberOfKeys)
        throw new Error(`${name}.lua takes ${numberOfKeys} keys, not ${keys.length}`);
      for (const key of keys) parser.pushKey(key);
      parser.push(...args);
    },
    transformReply: (reply: unknown): unknown => reply,
  });
}
