import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { commands } from "../../cli/vocabulary.ts";
import { launcher, runCli } from "./run-cli.ts";

describe("cli launcher", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "coupon-launcher-"));
    await mkdir(join(folder, "cli"));
    await copyFile(launcher, join(folder, "cli", "coupon.mjs"));
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
    await mkdir(join(folder, "node_modules", "commander"), { recursive: true });
    await writeFile(join(folder, "node_modules", "commander", "index.js"), "");
    await writeFile(join(folder, "cli", "main.js"), 'console.log("built")');
    const built = { launcher: join(folder, "cli", "coupon.mjs") };
    expect(await runCli([], built)).to.include({ code: 0, stdout: "built\n" });
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
