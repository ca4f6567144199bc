import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { repositoryDir } from "../../local/repository.ts";

const run = promisify(execFile);

/** The package coupon-client, built, packed, and installed into a folder that was empty. */
export type InstalledClient = {
  /** The packed file. */
  readonly packed: string;
  /** The folder of the package that depends on it. */
  readonly shop: string;
};

/** In `dir`. No registry is asked: the package's own dependencies are this repository's. */
export async function installClient(dir: string): Promise<InstalledClient> {
  const built = join(dir, "built");
  const { stdout } = await run(process.execPath, ["local/build-client.mjs", built], { cwd: repositoryDir });
  expect(stdout).to.match(/claim path is \d+ bytes gzipped/);
  const packing = await run("npm", ["pack", "--json", "--pack-destination", dir], { cwd: built });
  const packed = join(dir, JSON.parse(packing.stdout)[0].filename);

  const shop = join(dir, "shop");
  await mkdir(shop);
  const own = (name: string) => `file:${join(repositoryDir, "node_modules", name)}`;
  const dependencies = {
    "coupon-client": `file:${packed}`,
    "@bufbuild/protobuf": own("@bufbuild/protobuf"),
    "@connectrpc/connect": own("@connectrpc/connect"),
  };
  await writeFile(
    join(shop, "package.json"),
    JSON.stringify({ name: "shop", version: "1.0.0", type: "module", private: true, dependencies }),
  );
  await run("npm", ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: shop });
  return { packed, shop };
}

/** @throws with the compiler's words where the files in `dir` have wrong types */
export async function checkTypes(dir: string, files: readonly string[], flags: readonly string[]) {
  const tsc = join(repositoryDir, "node_modules", ".bin", "tsc");
  await run(tsc, [...flags, ...files], { cwd: dir }).catch(({ stdout }) => expect.fail(stdout));
}
