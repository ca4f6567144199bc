import { copyFile, mkdir, mkdtemp, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { stampFile, stampOf } from "../../cli/build-stamp.mjs";
import { commands } from "../../cli/vocabulary.ts";
import { launcher, runCli } from "../support/run-cli.ts";

describe("cli launcher", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "coupon-launcher-"));
    await mkdir(join(folder, "cli"));
    await writeFile(join(folder, "cli", "main.ts"), 'console.log("source")');
    for (const file of ["coupon.mjs", "build-stamp.mjs"])
      await copyFile(join(dirname(launcher), file), join(folder, "cli", file));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("may be executed", async () => {
    expect((await stat(launcher)).mode & 0o111).to.equal(0o111);
  });

  it("says what to do where nothing is installed", async () => {
    const { code, stderr } = await runCli(["list"], { launcher: join(folder, "cli", "coupon.mjs") });
    expect(code).to.equal(1);
    expect(stderr).to.equal(
      `coupon: its packages are not installed; run "npm ci" in ${join(folder, "/")} and try again\n`,
    );
  });

  it("runs what was built where it lies beside it", async () => {
    await writeFile(join(folder, "cli", "main.js"), 'console.log("built")');
    const built = { launcher: join(folder, "cli", "coupon.mjs") };
    expect(await runCli([], built)).to.include({ code: 0, stdout: "built\n" });
  });

  describe("in a clone with a build", () => {
    const told = async (): Promise<string> =>
      (await runCli([], { launcher: join(folder, "cli", "coupon.mjs") })).stdout;
    const built = async (): Promise<void> => {
      await mkdir(join(folder, "dist", "cli"), { recursive: true });
      await writeFile(join(folder, "dist", "cli", "main.js"), 'console.log("built")');
      await writeFile(join(folder, "dist", stampFile), stampOf(folder));
    };

    beforeEach(async () => {
      for (const file of ["package.json", "package-lock.json", "tsconfig.json"])
        await writeFile(join(folder, file), "{}");
      for (const part of ["callers", "client", "operator", "audit", "runtime", "proto/gen"]) {
        await mkdir(join(folder, part), { recursive: true });
        await writeFile(join(folder, part, "a.ts"), "1");
      }
      // Takes the place of tsx, which the launcher calls to run the sources.
      await mkdir(join(folder, "node_modules", "commander"), { recursive: true });
      await writeFile(join(folder, "node_modules", "commander", "index.js"), "");
      const tsx = join(folder, "node_modules", "tsx");
      await mkdir(tsx);
      await writeFile(
        join(tsx, "package.json"),
        '{"type":"module","exports":{".":"./a.js","./esm/api":"./a.js"}}',
      );
      await writeFile(
        join(tsx, "a.js"),
        'export function register() { console.log("the sources"); process.exit(0); }',
      );
      await built();
    });

    it("runs the build while it is of these sources", async () => {
      expect(await told()).to.equal("built\n");
    });

    const edits: Readonly<Record<string, () => Promise<unknown>>> = {
      "was edited": () => writeFile(join(folder, "callers", "a.ts"), "2 more"),
      "was set back to an older time": () => utimes(join(folder, "audit", "a.ts"), 1, 1),
      came: () => writeFile(join(folder, "cli", "b.ts"), ""),
      "was removed": () => rm(join(folder, "proto", "gen", "a.ts")),
    };
    for (const [what, edit] of Object.entries(edits)) {
      it(`runs the sources where one ${what} since, until it is built again`, async () => {
        await edit();
        expect(await told()).to.equal("the sources\n");
        await built();
        expect(await told()).to.equal("built\n");
      });
    }

    it("runs the sources where a build was broken off", async () => {
      await rm(join(folder, "dist", stampFile));
      expect(await told()).to.equal("the sources\n");
    });
  });

  it("works from any folder, whatever tsconfig.json is there", async () => {
    await writeFile(join(folder, "tsconfig.json"), "{ not json");
    const { code, stdout } = await runCli(["--help"], { cwd: folder, launcher });
    expect(code).to.equal(0);
    expect(stdout).to.include("Exit codes:").and.include("130  interrupted");
    for (const command of commands) expect(stdout).to.include(`  ${command.name} `);
  });

  it("shows the help and exits with 2 where no command is given", async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect(code).to.equal(2);
    expect(stdout).to.equal("");
    expect(stderr).to.include("Usage: coupon");
  });

  for (const command of commands) {
    it(`${command.name} --help has an example`, async () => {
      const { code, stdout } = await runCli([command.name, "--help"]);
      expect(code).to.equal(0);
      expect(stdout).to.include(`coupon ${command.name}`).and.include("Examples:").and.include("--url <url>");
    });
  }
});
