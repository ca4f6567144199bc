import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { invocationOf, spelledAs } from "../../cli/invocation.ts";
import { builtProduct } from "../../local/built.ts";
import { repositoryDir } from "../../local/repository.ts";

const run = promisify(execFile);

describe("cli: how it was called", () => {
  const npx = { npm_lifecycle_event: "npx" };
  const starts: [env: NodeJS.ProcessEnv, script: string, invocation: string][] = [
    [{ PATH: "/usr/bin" }, "/usr/bin/coupon", "coupon"],
    [{ ...npx, npm_lifecycle_script: "'coupon'" }, "/c/node_modules/.bin/coupon", "npx coupon"],
    [{ ...npx, npm_lifecycle_script: "coupon-issuer" }, "/n/.bin/coupon-issuer", "npx coupon-issuer"],
    [
      { ...npx, npm_lifecycle_script: "coupon", npm_config_package: "coupon-issuer" },
      "/n/.bin/coupon",
      "npx -p coupon-issuer coupon",
    ],
    [
      { npm_lifecycle_event: "coupon", npm_lifecycle_script: "node cli/coupon.mjs" },
      "/c/cli/coupon.mjs",
      "npm run coupon --",
    ],
    [
      { npm_lifecycle_event: "coupon", npm_lifecycle_script: "exec node cli/coupon.mjs" },
      "/c/cli/coupon.mjs",
      "npm run coupon --",
    ],
    // Variables that a test run and a script leave in the environment: they do not describe this command.
    [{ npm_lifecycle_event: "test", npm_lifecycle_script: "mocha", PATH: "/b" }, "/b/coupon", "coupon"],
    [{ ...npx, npm_lifecycle_script: "bash", PATH: "/b" }, "/b/coupon", "coupon"],
    [{ PATH: "/b" }, "/c/cli/coupon.mjs", "node cli/coupon.mjs"],
    [{ PATH: "/b" }, "/c/node_modules/.bin/coupon", "node_modules/.bin/coupon"],
    [{ PATH: "/b" }, "/my files/cli/coupon.mjs", "node '/my files/cli/coupon.mjs'"],
  ];
  for (const [env, script, invocation] of starts) {
    it(`${invocation} (${script})`, () => {
      expect(invocationOf({ env, script, cwd: "/c" })).to.equal(invocation);
    });
  }

  it("spells what it suggests so, and leaves names and other words alone", () => {
    const spelled = spelledAs("npx coupon");
    expect(spelled("coupon list shows them; coupon get --help tells")).to.equal(
      "npx coupon list shows them; npx coupon get --help tells",
    );
    for (const text of ["each user gets one coupon", 'cancel 01J "coupon list"', "(coupon list)"])
      expect(spelled(text)).to.equal(text);
  });

  it("the packed package runs with nothing installed beside it, by its name and as coupon", async () => {
    const folder = await mkdtemp(join(tmpdir(), "coupon-package-"));
    try {
      const clone = join(folder, "clone");
      for (const part of [
        "package.json",
        "cli/coupon.mjs",
        "cli/build-stamp.mjs",
        "proto",
        "LICENSE",
        "tests/cli",
      ])
        await cp(join(repositoryDir, part), join(clone, part), { recursive: true });
      await cp(await builtProduct(), join(clone, "dist"), { recursive: true });
      const packing = await run("npm", ["pack", "--json", "--ignore-scripts"], { cwd: clone });
      const [packed]: { filename: string; files: { path: string }[] }[] = JSON.parse(packing.stdout);
      const paths = packed?.files.map(({ path }) => path) ?? [];
      expect(paths).to.include.members([
        "dist/server/main.js",
        "dist/pool/lua/claim.lua",
        "dist/cli/main.js",
      ]);
      expect(paths.filter((path) => /\.ts$|^tests|built-from/.test(path))).to.deep.equal([]);
      const user = join(folder, "user");
      const home = join(user, "node_modules", "coupon-issuer");
      await mkdir(join(user, "node_modules", ".bin"), { recursive: true });
      await mkdir(home);
      await run("tar", ["-xzf", join(clone, packed?.filename ?? ""), "-C", home, "--strip-components=1"]);
      for (const name of ["coupon", "coupon-issuer"]) {
        await symlink("../coupon-issuer/cli/coupon.mjs", join(user, "node_modules", ".bin", name));
        const told = await run("npx", ["--offline", name, "get", "--help"], { cwd: user });
        expect(told.stdout).to.include(`Usage: npx ${name} get`).and.include(`npx ${name} get 01JEXAMPLE`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
