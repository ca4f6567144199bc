import { readFileSync } from "node:fs";
import { type CommandParser, defineScript } from "redis";

const INCLUDE = /^-- @include (\S+)$/gm;

/** The text of `pool/lua/<name>.lua` with its `-- @include <part>` lines replaced by `include-<part>.lua`. */
export function scriptText(name: string): string {
  const read = (file: string) => readFileSync(new URL(`./lua/${file}.lua`, import.meta.url), "utf8");
  return read(name).replace(INCLUDE, (_, part: string) => read(`include-${part}`));
}

/**
 * The same script for a call that declares only the first of its keys; the others are the last of its
 * arguments. While a slot moves, Redis Cluster refuses (TRYAGAIN) a call that declares one key that exists
 * and one that does not, and most keys of a pool need not exist. Undeclared keys work if they are in the slot
 * of the declared one; all keys of a campaign are.
 */
function firstKeyOnly(text: string, numberOfKeys: number): string {
  const loop = `for i = 2, ${numberOfKeys} do`;
  const moved = `${loop} KEYS[i] = ARGV[#ARGV - ${numberOfKeys} + i] end ${loop} ARGV[#ARGV] = nil end`;
  return text.replace("\n", `\n${moved}\n`);
}

/**
 * A script in the form of node-redis: sent as EVALSHA, and as EVAL when Redis does not have it (after SCRIPT
 * FLUSH or a restart). Its reply is passed through unchanged; `pool.ts` gives it its type.
 */
export function luaScript(name: string, numberOfKeys: number, declare: "all" | "first" = "all") {
  const text = scriptText(name);
  const declared = declare === "all" ? numberOfKeys : 1;
  return defineScript({
    SCRIPT: declare === "all" ? text : firstKeyOnly(text, numberOfKeys),
    NUMBER_OF_KEYS: declared,
    parseCommand(parser: CommandParser, keys: readonly string[], args: readonly string[]) {
      if (keys.length !== numberOfKeys)
        throw new Error(`${name}.lua takes ${numberOfKeys} keys, not ${keys.length}`);
      for (const key of keys.slice(0, declared)) parser.pushKey(key);
      parser.push(...args, ...keys.slice(declared));
    },
    transformReply: (reply: unknown): unknown => reply,
  });
}
