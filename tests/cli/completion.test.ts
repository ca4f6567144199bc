import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { answerLines, fitting, joinedWords } from "../../cli/completions.ts";
import { filesMark, shells } from "../../cli/shell-scripts.ts";
import { commands, globalOptions } from "../../cli/vocabulary.ts";
import { builtProduct } from "../../local/built.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, type StandIn, startStandIn } from "../support/stand-in.ts";

const vocabulary = { commands, globalOptions, profiles: ["local", "production"] };
const tab = (...words: string[]): string[] => {
  const fits = fitting(words, vocabulary);
  return fits.kind === "candidates" ? answerLines(fits, words.at(-1) ?? "", "bash") : [fits.kind];
};

describe("cli completion", () => {
  it("offers every verb, and those that begin like the word", () => {
    expect(tab("")).to.deep.equal([...commands.map(({ name }) => name), "help"]);
    expect(tab("cr")).to.deep.equal(["create"]);
    expect(tab("--json", "cr")).to.deep.equal(["create"]);
    expect(tab("--url", "http://x", "cr")).to.deep.equal(["create"]);
  });

  for (const command of commands) {
    it(`offers every flag of ${command.name}, and the global ones`, () => {
      const offered = tab(command.name, "-");
      const shown = command.options.filter(({ hidden }) => hidden !== true);
      for (const { flags } of [...shown, ...globalOptions])
        expect(offered).to.include(/--[\w-]+/.exec(flags)?.[0]);
      expect(new Set(offered).size).to.equal(offered.length);
    });
  }

  it("help completes verbs, once; --version stands before any verb", () => {
    expect(tab("help", "")).to.deep.equal(commands.map(({ name }) => name));
    expect(tab("help", "cr")).to.deep.equal(["create"]);
    expect(tab("help", "create", "")).to.deep.equal([]);
    expect(tab("--v")).to.deep.equal(["--version"]);
    expect(tab("create", "--ver")).to.deep.equal([]);
  });

  it("does not offer a flag twice", () => {
    expect(tab("export", "C", "--bom", "--b")).to.deep.equal([]);
  });

  it("offers values where the flag or the argument has a list", () => {
    expect(tab("export", "C", "--format", "")).to.deep.equal(["csv", "jsonl"]);
    expect(tab("export", "C", "--format", "j")).to.deep.equal(["jsonl"]);
    expect(tab("export", "C", "--format=j")).to.deep.equal(["jsonl"]);
    expect(tab("completion", "")).to.deep.equal([...shells]);
    expect(tab("--profile", "")).to.deep.equal(["local", "production"]);
    expect(tab("create", "--name", "")).to.deep.equal([]);
  });

  it("offers campaigns where a campaign id stands, files where a file stands", () => {
    expect(tab("get", "")).to.deep.equal(["campaigns"]);
    expect(tab("get", "--codes", "01")).to.deep.equal(["campaigns"]);
    expect(tab("get", "C", "")).to.deep.equal([]);
    expect(tab("list", "")).to.deep.equal([]);
    expect(tab("export", "C", "--out", "")).to.deep.equal(["files"]);
    expect(answerLines({ kind: "files" }, "", "bash")).to.deep.equal([filesMark]);
  });

  it("writes candidates as each shell reads them", () => {
    const fits = { kind: "candidates", candidates: [{ value: "a:b", about: "one:\ntwo" }] } as const;
    expect(answerLines(fits, "", "bash")).to.deep.equal(["a:b"]);
    expect(answerLines(fits, "", "zsh")).to.deep.equal(["a\\:b:one: two"]);
    expect(answerLines(fits, "", "fish")).to.deep.equal(["a:b\tone: two"]);
    const flag = fitting(["export", "C", "--format=c"], vocabulary);
    // After a colon with no text behind it zsh would show an empty description.
    expect(flag.kind === "candidates" && answerLines(flag, "--format=c", "zsh")).to.deep.equal([
      "--format=csv",
    ]);
  });

  it("joins what bash cuts at the equals sign", () => {
    expect(joinedWords(["export", "--format", "=", "cs"])).to.deep.equal(["export", "--format=cs"]);
    expect(joinedWords(["export", "--format", "="])).to.deep.equal(["export", "--format="]);
    expect(joinedWords(["create", "--name", "a", "=", "b"])).to.deep.equal([
      "create",
      "--name",
      "a",
      "=",
      "b",
    ]);
  });

  it("refuses a shell that it does not know, and names those it knows", async () => {
    const { code, stderr } = await runHere(["completion", "tcsh"]);
    expect(code).to.equal(2);
    expect(stderr).to.include("give bash, zsh, fish");
  });

  for (const shell of shells) {
    it(`${shell}: the help says how to install it, and the script is written`, async () => {
      const { stdout } = await runHere(["completion", "--help"]);
      expect(stdout).to.include(`coupon completion ${shell}`);
      expect((await runHere(["completion", shell])).stdout).to.include(`__complete ${shell}`);
    });
  }

  describe("with a service", () => {
    let service: StandIn;
    let folder: string;
    before(async () => {
      service = await startStandIn({
        campaigns: {
          listCampaigns: () => ({
            campaigns: [campaign({ id: "01AAA" }), campaign({ id: "01BBB", name: "a\x1b[31m" })],
          }),
        },
      });
      folder = await mkdtemp(join(tmpdir(), "coupon-completion-"));
      const command = join(folder, "coupon");
      const launcher = join(await builtProduct(), "cli", "coupon.mjs");
      await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`);
      await chmod(command, 0o755);
    });
    after(async () => {
      await service.close();
      await rm(folder, { recursive: true });
    });

    it("offers the ids with state and name", async () => {
      const { code, stdout } = await runHere(["__complete", "fish", "get", "01"], { url: service.url });
      expect(code).to.equal(0);
      expect(stdout).to.equal("01AAA\tSCHEDULED 크리스마스\n01BBB\tSCHEDULED a\\u001b[31m\n");
      const flagged = ["__complete", "bash", "--url", service.url, "get", "01B"];
      expect((await runHere(flagged)).stdout).to.equal("01BBB\n");
    });

    it("says nothing where no service answers", async () => {
      const { stdout, stderr } = await runHere(["__complete", "bash", "get", ""], {
        url: "http://127.0.0.1:1",
      });
      expect(stdout + stderr).to.equal("");
    });

    /** COMPREPLY in a real bash after Tab, with the words and word breaks that readline makes. */
    async function inBash(words: readonly string[]): Promise<string[]> {
      const quoted = words.map((word) => `'${word}'`).join(" ");
      const script = `eval "$(coupon completion bash)"
        COMP_WORDS=(coupon ${quoted}); COMP_CWORD=${words.length}; _coupon
        printf '%s\\n' "\${COMPREPLY[@]}"`;
      return (await bash(script)).split("\n").filter((line) => line !== "");
    }

    /** The standard output of the script; it must write nothing to standard error. */
    async function bash(script: string): Promise<string> {
      const env = {
        PATH: `${folder}:/usr/bin:/bin`,
        COUPON_URL: service.url,
        XDG_CONFIG_HOME: "/nonexistent",
      };
      const done = await promisify(execFile)("bash", ["--norc", "-c", script], { env });
      expect(done.stderr).to.equal("");
      return done.stdout;
    }

    it("knows every flag of every verb", async () => {
      for (const { name, options } of commands) {
        const { stdout } = await runHere(["__complete", "bash", name, "--"]);
        const shown = [...options.filter(({ hidden }) => hidden !== true), ...globalOptions];
        const flags = shown.map((option) => option.flags.split(" ")[0]);
        expect(stdout.trimEnd().split("\n"), name).to.deep.equal([...flags, "--help"]);
      }
    });

    it("works in a real bash", async () => {
      expect(await inBash([""])).to.deep.equal([...commands.map(({ name }) => name), "help"]);
      expect(await inBash(["exp"])).to.deep.equal(["export"]);
      expect(await inBash(["export", "01AAA", "--f"])).to.deep.equal(["--format"]);
      expect(await inBash(["get", ""])).to.deep.equal(["01AAA", "01BBB"]);
      expect(await inBash(["export", "01AAA", "--format", "=", "j"])).to.deep.equal(["jsonl"]);
    });
  });
});
