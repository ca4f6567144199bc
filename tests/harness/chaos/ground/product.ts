import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** A built product in a folder: the entry of its server, and its scripts as it sends them to Redis. */
export type Product = {
  readonly dir: string;
  readonly serverEntry: string;
  /** Script name (`claim`, `load-codes`) → text. */
  readonly scripts: ReadonlyMap<string, string>;
};

type ScriptModule = { scriptText(name: string): string };

export async function openProduct(dir: string): Promise<Product> {
  const url = pathToFileURL(join(dir, "pool", "script.js")).href;
  const { scriptText } = (await import(url)) as ScriptModule;
  const names = readdirSync(join(dir, "pool", "lua"))
    .filter((file) => file.endsWith(".lua") && !file.startsWith("include-"))
    .map((file) => file.slice(0, -".lua".length));
  return {
    dir,
    serverEntry: join(dir, "server", "main.js"),
    scripts: new Map(names.map((name) => [name, scriptText(name)])),
  };
}
