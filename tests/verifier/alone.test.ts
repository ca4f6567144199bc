import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { repositoryDir } from "../../local/repository.ts";
import {
  certificateOf,
  codeOf,
  commitmentOf,
  proofOf,
  SAMPLE_CAMPAIGN,
  sampleLaunch,
  userOf,
} from "../proof/sample-launch.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const folder = join(repositoryDir, "verifier");

describe("verifier: the program, copied alone", () => {
  const dir = temporaryDir();
  const launch = sampleLaunch(30, 25);
  after(() => dir.remove());

  const path = (name: string) => join(dir.path, name);
  function write(name: string, lines: readonly string[]): string {
    writeFileSync(path(name), `${lines.join("\n")}\n`);
    return path(name);
  }
  function run(...args: readonly string[]) {
    const program = path("verifier/verify-certificate.mjs");
    return spawnSync(process.execPath, [program, ...args], { cwd: dir.path, encoding: "utf8" });
  }

  before(() => cpSync(folder, path("verifier"), { recursive: true }));

  it("imports nothing but its own folder, node:crypto and node:fs", () => {
    const specifiers = readdirSync(folder).flatMap((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      return [...text.matchAll(/\bfrom "([^"]+)"|\bimport\(?\s*"([^"]+)"/g)].map(([, a, b]) => a ?? b ?? "");
    });
    const foreign = specifiers.filter((one) => !/^\.\/[a-z0-9-]+\.mjs$/.test(one));
    expect([...new Set(foreign)].sort()).to.deep.equal(["node:crypto", "node:fs"]);
  });

  it("ends with 0 where a file holds, in words and as JSON", () => {
    const file = write("certificate.jsonl", certificateOf(launch));
    const saved = write("commitment.jsonl", commitmentOf(launch));
    const told = run(file, "--commitment", saved, "--public-key", launch.key.publicKey);
    expect(told.stderr + told.stdout).to.match(
      /25 of 30 coupons were issued[\s\S]*it has the commitment[\s\S]*it holds\n$/,
    );
    expect(told.status).to.equal(0);
    const proof = write("proof.jsonl", proofOf(launch, 3));
    const json = run(proof, `--code=${codeOf(2)}`, "--user", userOf(3), "--json");
    expect(JSON.parse(json.stdout)).to.deep.include({ ok: true, campaign: SAMPLE_CAMPAIGN });
    expect(json.status).to.equal(0);
    expect(run(saved).status).to.equal(0);
  });

  it("ends with 1 and the reason where it does not", () => {
    const file = write("removed.jsonl", certificateOf(launch).toSpliced(9, 1));
    const told = run(file);
    expect(told.stdout).to.match(/^REFUSED count: 25 issuances were signed, and the file has 24/m);
    expect(told.status).to.equal(1);
    const proof = write("proof.jsonl", proofOf(launch, 3));
    expect(run(proof, "--user", userOf(4)).status).to.equal(1);
    expect(run(proof, "--request", userOf(3)).status).to.equal(0);
  });

  it("ends with 2 where there is nothing to check", () => {
    for (const args of [[], [path("none")], ["a", "b"], ["a", "--unknown"], ["a", "--code"]]) {
      const { status, stderr, stdout } = run(...args);
      expect(status, args.join(" ")).to.equal(2);
      expect(stderr).to.match(/^verify-certificate: ./);
      expect(stdout).to.equal("");
    }
    expect(run(path("none")).stderr).to.include("none cannot be read: there is no such file");
    expect(run(path(".")).stderr).to.include("cannot be read: it is a folder");
  });

  it("shows no control character of a hostile file", () => {
    const file = write("hostile.jsonl", ['{"format":"\u001b[31m\u009b\u202e"}']);
    const { stdout, status } = run(file);
    expect(stdout).not.to.match(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(status).to.equal(1);
  });

  it("is a program of the package", () => {
    const { bin } = JSON.parse(readFileSync(join(repositoryDir, "package.json"), "utf8")) as {
      bin: Record<string, string>;
    };
    const program = join(repositoryDir, bin["verify-certificate"] ?? "");
    expect(execFileSync(program, ["--help"], { encoding: "utf8" })).to.match(
      /^usage: verify-certificate FILE/,
    );
  });
});
