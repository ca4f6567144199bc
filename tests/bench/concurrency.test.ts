import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { HistoryEntry, Outcome } from "../../audit/history.ts";
import type { Verdict } from "../../audit/verdict.ts";
import { judge, judgeUnfinished } from "../../bench/concurrency/judge.ts";
import { readOptions } from "../../bench/concurrency/options.ts";
import { openResults, resultLines } from "../../bench/concurrency/results.ts";
import type { Sent } from "../../bench/concurrency/send.ts";
import { Trouble } from "../../bench/trouble.ts";
import { exitOf } from "../../local/child.ts";
import { until } from "../../local/poll.ts";
import { repositoryDir } from "../../local/repository.ts";
import { HANG_MS } from "../support/patience.ts";

const sentBy = (index: number, outcome: Outcome): Sent => ({
  ...{ user: `user-${index}`, server: (index % 2) + 1, outcome, tries: 1, tookMs: 1 },
});
const coupon = (code: string): Outcome => ({ kind: "issued", code, seq: 1, issuedAtMs: 1, replayed: false });
const SOLD_OUT: Outcome = { kind: "refused", reason: "SOLD_OUT" };
const right = () => [coupon("a"), coupon("b"), SOLD_OUT, SOLD_OUT].map((outcome, i) => sentBy(i, outcome));
const plan = { servers: 2, requests: 4, coupons: 2 };
const verdict = (change: Partial<Verdict>): Verdict => ({
  ...{
    invariant: "U1",
    title: "one owner per code",
    ok: true,
    count: 0,
    checked: 4,
    detail: "",
    offenders: [],
  },
  ...change,
});

describe("npm run concurrency", () => {
  it("reads its flags; half as many coupons as requests unless told", () => {
    expect(readOptions([])).to.include({ servers: 5, requests: 200, coupons: 100, withinSeconds: 30 });
    expect(readOptions(["--requests", "1"]).coupons).to.equal(1);
    for (const [flag, value] of [
      ["servers", "0"],
      ["servers", "five"],
      ["requests", "1.5"],
      ["requests", ""],
      ["coupons", "-1"],
      ["within", "9"],
      ["out", " "],
    ] as const)
      expect(() => readOptions([`--${flag}=${value}`])).to.throw(Trouble, `--${flag}`);
    expect(() => readOptions(["--server", "5"])).to.throw(Trouble, "--server");
  });

  it("passes only when exactly the right coupons went out", () => {
    const good = judge(plan, right(), { issued: 2, verdicts: [verdict({})] });
    expect(good).to.deep.include({ verdict: "PASS", reasons: [] });
    expect(good.line).to.match(/^concurrency: PASS servers=2 requests=4 issued=2\/2 told=2 duplicates=0 /);
    const all = right().map((sent, i) => ({ ...sent, outcome: coupon(`c${i}`) }));
    expect(judge({ ...plan, coupons: 9 }, all, { issued: 4, verdicts: [] }).verdict).to.equal("PASS");
  });

  const wrongs: Record<string, [RegExp, (sent: Sent[]) => Parameters<typeof judge>[2] | undefined]> = {
    "a coupon that two were told": [
      /to more than one/,
      (sent) => void sent.splice(1, 1, sentBy(1, coupon("a"))),
    ],
    "one coupon too many": [
      /3 users were told a coupon/,
      (sent) => void sent.splice(2, 1, sentBy(2, coupon("c"))),
    ],
    "a winner who is not on record": [/1 coupons are on record/, () => ({ issued: 1, verdicts: [] })],
    "one who was told nothing clear": [
      /1 users were told neither/,
      (sent) => void sent.splice(3, 1, sentBy(3, { kind: "unknown", message: "reset" })),
    ],
    "a request that was not sent": [/3 requests were sent/, (sent) => void sent.pop()],
    "books that are wrong": [
      /the audit finds U1 wrong/,
      () => ({ issued: 2, verdicts: [verdict({ ok: false, count: 1 })] }),
    ],
  };
  for (const [what, [reason, damage]] of Object.entries(wrongs))
    it(`fails for ${what}`, () => {
      const sent = right();
      const judged = judge(plan, sent, damage(sent) ?? { issued: 2, verdicts: [] });
      expect(judged.verdict).to.equal("FAIL");
      expect(judged.line).to.match(/^concurrency: FAIL /);
      expect(judged.reasons.join("; ")).to.match(reason);
    });

  it("books that could not be looked at are not judged, and no excuse for what is wrong", () => {
    const away = verdict({ notJudged: "away", prevented: true });
    const judged = judge(plan, right(), { issued: 2, verdicts: [away] });
    expect(judged).to.include({ verdict: "NOT JUDGED" });
    expect(judged.line).to.match(/^concurrency: NOT JUDGED /);
    expect(judged.reasons).to.deep.equal(["the audit could not judge U1: away"]);
    expect(judge(plan, right(), { issued: 3, verdicts: [away] }).verdict).to.equal("FAIL");
  });

  it("a run that is only slow is not judged, and says how to give it time; a coupon that two were told is a FAIL however slow it is", () => {
    const late = { ...plan, withinSeconds: 30 };
    const told = (claimKey: string, code: string): HistoryEntry => ({
      ...{
        claimKey,
        invokedAtMs: 1,
        answeredAtMs: 2,
        invokedOrder: 1,
        answeredOrder: 2,
        outcome: coupon(code),
      },
    });
    const slow = judgeUnfinished(late, [told("a", "1"), told("a", "1"), told("b", "2")], "the servers start");
    expect(slow).to.deep.equal({
      verdict: "NOT JUDGED",
      line: "concurrency: NOT JUDGED servers=2 requests=4 not done within 30 s, while the servers start; give it more time: --within 120",
      reasons: [],
    });
    const twice = judgeUnfinished(late, [told("a", "1"), told("b", "1")], "the servers start");
    expect(twice.line).to.match(/^concurrency: FAIL .* 1 coupons were told to more than one user; not done/);
    const many = ["1", "2", "3"].map((code) => told(code, code));
    expect(judgeUnfinished(late, many, "the servers start").verdict).to.equal("FAIL");
  });

  it("says of each request what it got", () => {
    expect(resultLines(right())).to.deep.equal([
      "1  user-0  server 1  coupon a (number 1)  1 ms",
      "2  user-1  server 2  coupon b (number 1)  1 ms",
      "3  user-2  server 1  SOLD_OUT  1 ms",
      "4  user-3  server 2  SOLD_OUT  1 ms",
    ]);
  });

  describe("run", () => {
    let dir: string;
    before(() => {
      dir = mkdtempSync(join(tmpdir(), "coupon-concurrency-test-"));
    });
    after(() => rmSync(dir, { recursive: true, force: true }));

    it("the file is of the newest run from its begin on, and an earlier run keeps its own", () => {
      const out = join(dir, "kept.txt");
      const first = openResults(out);
      expect(first.earlier).to.equal(undefined);
      expect(readFileSync(out, "utf8")).to.match(/^concurrency: NOT JUDGED/);
      first.write(["of the first", "concurrency: PASS"]);
      const second = openResults(out);
      second.write(["concurrency: FAIL"]);
      expect(second.earlier).to.match(/kept\.\d{4}-\d\d-\d\dT[\dZ-]+\.txt$/);
      expect(readFileSync(second.earlier ?? "", "utf8")).to.equal("of the first\nconcurrency: PASS\n");
      expect(readFileSync(out, "utf8")).to.equal("concurrency: FAIL\n");
    });

    const nowhere = () => join(dir, "no-folder", "results.txt");
    const harnesses: [string, string[]][] = [
      ["concurrency", ["--out"]],
      ["demo", ["--history"]],
    ];
    for (const [name, [flag = ""]] of harnesses)
      it(`npm run ${name}: a ${flag} that cannot be written ends it before anything is started`, async () => {
        const program = join(repositoryDir, "bench", `${name}.ts`);
        const child = spawn(process.execPath, ["--import", "tsx", program, flag, nowhere()], {
          cwd: repositoryDir,
        });
        let words = "";
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding("utf8").on("data", (text: string) => {
            words += text;
          });
        const { code } = await exitOf(child);
        expect(code, words).to.equal(2);
        expect(words).to.equal(
          `${name}: ${flag} ${nowhere()} cannot be written: ENOENT: no such file or directory, open '${nowhere()}'\n`,
        );
      });

    function start(...args: string[]) {
      const program = join(repositoryDir, "bench", "concurrency.ts");
      // The program builds its own copy of the product, also when this test run has one build for all tests.
      const env = { ...process.env, BUILT_PRODUCT_DIR: undefined };
      const child = spawn(process.execPath, ["--import", "tsx", program, ...args], {
        cwd: repositoryDir,
        env,
      });
      const told = { words: "" };
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text: string) => {
          told.words += text;
        });
      return { child, told, ended: exitOf(child) };
    }

    async function run(...args: string[]) {
      const { child, told, ended } = start(...args);
      const { code } = await ended;
      return { code, words: told.words, built: builtBy(child.pid) };
    }

    const builtBy = (pid: number | undefined) => join(repositoryDir, ".local", `build-${pid}`);

    it("a flag that is wrong is named, with exit code 2", async () => {
      const { code, words } = await run("--servers", "none");
      expect(code).to.equal(2);
      expect(words).to.match(/^concurrency: --servers must be a whole number, 1 to 32, not "none"$/m);
    });

    it("two servers, forty requests for twenty coupons: each request's answer and the verdict are in the file", async function () {
      // A bound against hanging: on a machine at rest it takes seconds.
      this.timeout(6 * HANG_MS);
      const out = join(dir, "results.txt");
      const gone = spawn(process.execPath, ["-e", ""]);
      await exitOf(gone);
      mkdirSync(builtBy(gone.pid), { recursive: true });
      const { code, words, built } = await run(
        ...["--servers", "2", "--requests", "40", "--within", "600", "--out", out],
      );
      expect(code, words).to.equal(0);
      expect(existsSync(built), "what it built is removed").to.equal(false);
      expect(existsSync(builtBy(gone.pid)), "and what a killed one built").to.equal(false);
      const lines = readFileSync(out, "utf8").trimEnd().split("\n");
      const verdict = lines.at(-1) ?? "";
      expect(verdict).to.equal(
        "concurrency: PASS servers=2 requests=40 issued=20/20 told=20 duplicates=0 sold_out=20 other=0",
      );
      expect(words.trimEnd().split("\n").at(-1)).to.equal(verdict);
      const answers = lines.filter((line) => / {2}user-\d\d {2}server [12] {2}/.test(line));
      expect(answers).to.have.length(40);
      expect(answers.filter((line) => line.includes("coupon ")).length).to.equal(20);
      for (const server of [1, 2])
        expect(answers.filter((line) => line.includes(`server ${server}`))).to.have.length(20);
    });

    it("Ctrl-C, also while it builds: nothing of it is left", async function () {
      // A bound against hanging.
      this.timeout(5 * HANG_MS);
      const { child, told, ended } = start("--out", join(dir, "interrupted.txt"));
      expect(await until(() => existsSync(builtBy(child.pid)), 3 * HANG_MS)).to.equal(true);
      child.kill("SIGINT");
      expect((await ended).code, told.words).to.equal(130);
      expect(existsSync(builtBy(child.pid))).to.equal(false);
    });
  });
});
