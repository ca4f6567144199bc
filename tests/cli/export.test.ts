import {
  appendFile,
  chmod,
  lchown,
  link,
  lstat,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import {
  type ExportCouponsRequest,
  type ExportCouponsResponse,
  ExportCouponsResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { HANG_MS } from "../support/patience.ts";
import { readJsonLines, runCli, startCli } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, campaignId, coupon, refusal, type StandIn, startStandIn } from "../support/stand-in.ts";

const batchSize = 4;

/** What the stand-in does at a given place in the export. */
type Fault = "reset" | "cut" | "unavailable" | "unauthenticated" | "hang" | "repeat";

describe("cli export", () => {
  let service: StandIn;
  let folder: string;
  let total = 10;
  let issuedSaid = 10;
  let faults = new Map<number, Fault>();
  let requests: ExportCouponsRequest[] = [];
  let hung = 0;
  /** Ends the stream that hangs; the next request is answered. */
  let endHang: () => void = () => undefined;

  function batch(from: number): ExportCouponsResponse {
    const size = Math.max(0, Math.min(batchSize, total - from));
    const rows = Array.from({ length: size }, (_row, index) => {
      const seq = from + index + 1;
      const userId = seq === 2 ? "=cmd()" : seq === 3 ? 'a "b", c' : `user${seq}`;
      return { coupon: coupon(seq, `가나다라${String(seq).padStart(6, "0")}`), userId, generation: 1 };
    });
    return create(ExportCouponsResponseSchema, { coupons: rows, nextPageToken: `at-${from + size}` });
  }

  before(async () => {
    service = await startStandIn({
      campaigns: {
        getCampaign: () => ({
          campaign: campaign({ issued: issuedSaid, metadata: { channel: "app", n: "1" } }),
        }),
        async *exportCoupons(request, context) {
          requests.push(request);
          if (request.campaignId !== campaignId) throw refusal(Code.NotFound, RefusalReason.UNKNOWN_CAMPAIGN);
          let from = Number(request.pageToken.replace("at-", "") || 0);
          while (from < total) {
            const fault = faults.get(from);
            faults.delete(from);
            if (fault === "reset") service.breakConnections();
            if (fault === "unavailable") throw new ConnectError("going down", Code.Unavailable);
            if (fault === "unauthenticated") throw new ConnectError("token expired", Code.Unauthenticated);
            if (fault === "repeat") yield batch(from - batchSize);
            if (fault === "hang") {
              hung++;
              await new Promise((resolve) => {
                context.signal.addEventListener("abort", resolve);
                endHang = () => resolve(undefined);
              });
              if (!context.signal.aborted) throw new ConnectError("back again", Code.Unavailable);
              return;
            }
            yield batch(from);
            from += batchSize;
          }
        },
      },
    });
  });
  beforeEach(async () => {
    total = 10;
    issuedSaid = 10;
    faults = new Map();
    requests = [];
    hung = 0;
    folder = await mkdtemp(join(tmpdir(), "coupon-export-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  after(() => service.close());

  const run = (...args: string[]) => runHere(["export", campaignId, ...args], { url: service.url });
  /** Runs the command in a process of its own, so that the process holds the lock on the file. */
  const runAlone = (...args: string[]) => runCli(["export", campaignId, ...args], { url: service.url });
  const isThere = (name: string) => readdir(folder).then((names) => names.includes(name));
  /**
   * The stand-in hangs, and the command has written what came before: more may be under way when the stand-in
   * stops.
   */
  async function hangs(hasWritten: () => Promise<boolean>): Promise<void> {
    expect(await until(() => hung > 0, HANG_MS), "a batch after which it hangs").to.equal(true);
    expect(await until(hasWritten, HANG_MS), "what it sent before is written").to.equal(true);
  }
  const hasLines = (name: string, count: number) => async () =>
    (await isThere(name)) && (await readFile(join(folder, name), "utf8")).split("\n").length > count;
  const seqs = (jsonl: string): unknown[] => readJsonLines(jsonl).map((row) => row["seq"]);
  const oneTo = (last: number): number[] => Array.from({ length: last }, (_value, index) => index + 1);

  it("--meta writes the campaign's metadata into every row, and without it no row has any", async () => {
    const run = (...args: string[]) => runHere(["export", campaignId, ...args], { url: service.url });
    const [heading = "", first = ""] = (await run("--meta")).stdout.split("\n");
    expect(heading).to.equal("code,campaign_id,seq,issued_at,user_id,request_id,generation,rank,metadata");
    expect(first).to.include('"{""channel"":""app"",""n"":""1""}"');
    const rows = readJsonLines((await run("--meta", "--format", "jsonl")).stdout);
    expect(rows).to.have.length(total);
    for (const row of rows) expect(row["metadata"]).to.deep.equal({ channel: "app", n: "1" });
    for (const row of readJsonLines((await run("--format", "jsonl")).stdout))
      expect(row).not.to.have.property("metadata");
  });

  it("writes CSV with a heading, quoted, formulas disarmed", async () => {
    const { code, stdout, stderr } = await run();
    expect(code).to.equal(0);
    const lines = stdout.split("\n");
    expect(lines[0]).to.equal("code,campaign_id,seq,issued_at,user_id,request_id,generation,rank");
    expect(lines[2]).to.equal(`가나다라000002,${campaignId},2,2026-12-24T11:00:00.002Z,'=cmd(),,1,0`);
    expect(lines[3]).to.include(',"a ""b"", c",');
    expect(lines).to.have.length(12);
    expect(stderr).to.equal("coupon: 10 coupons exported\n");
  });

  it("jsonl has the exact values", async () => {
    const { stdout } = await run("--format", "jsonl");
    expect(seqs(stdout)).to.deep.equal(oneTo(10));
    expect(readJsonLines(stdout)[1]).to.include({ userId: "=cmd()", requestId: "" });
    expect((await run("--json")).stdout).to.equal(stdout);
  });

  for (const fault of ["reset", "unavailable", "hang"] as const) {
    it(`goes on after a stream that breaks midway (${fault}): no row twice, none lost`, async () => {
      total = 30;
      issuedSaid = 30;
      faults = new Map([
        [0, fault],
        [8, fault],
        [24, fault],
      ]);
      const { code, stdout, stderr } = await run("--format", "jsonl", "--timeout", "300");
      expect(faults.size, "every fault happened").to.equal(0);
      expect(code, stderr).to.equal(0);
      expect(seqs(stdout)).to.deep.equal(oneTo(30));
      expect(requests.length).to.be.at.least(4);
      expect(stderr).to.match(/opening the stream again/);
    });
  }

  it("a refusal midway is no break: exits with its code and says where to go on", async () => {
    faults = new Map([[8, "unauthenticated"]]);
    const { code, stdout, stderr } = await run("--format", "jsonl");
    expect(code).to.equal(6);
    expect(seqs(stdout)).to.deep.equal(oneTo(8));
    expect(stderr).to.include("8 rows are out; --page-token at-8 goes on from there");
    const rest = await run("--format", "csv", "--page-token", "at-8");
    expect(rest.stdout).to.match(/^가나다라000009,.*\n가나다라000010,.*\n$/);
  });

  it("gives up after --retries without news, with the way to go on", async () => {
    faults = new Map([[4, "unavailable"]]);
    const { code, stderr } = await run("--retries", "0");
    expect(code).to.equal(5);
    expect(stderr).to.include("--page-token at-4");
  });

  it("notices a service that sends rows twice", async () => {
    faults = new Map([[4, "repeat"]]);
    const { code, stderr } = await run();
    expect(code).to.equal(1);
    expect(stderr).to.match(/out of order/);
  });

  it("notices a service that loses rows", async () => {
    issuedSaid = 12;
    const { code, stderr } = await run();
    expect(code).to.equal(1);
    expect(stderr).to.match(/10 rows came, but 12 coupons were issued/);
  });

  it("--out writes the whole file or none, for its owner only", async () => {
    const file = join(folder, "winners.csv");
    await writeFile(file, "old");
    faults = new Map([[8, "unauthenticated"]]);
    expect((await run("--out", file)).code).to.equal(6);
    expect(await readFile(file, "utf8")).to.equal("old");
    expect(await readdir(folder)).to.deep.equal(["winners.csv"]);

    const { code, stdout } = await run("--out", file, "--bom", "--json", "--format", "csv");
    expect(code).to.equal(0);
    expect(readJsonLines(stdout)).to.deep.equal([{ file, rows: 10 }]);
    expect(await readFile(file, "utf8")).to.match(/^\uFEFFcode,/);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect(await readdir(folder)).to.deep.equal(["winners.csv"]);
  });

  it("Ctrl-C midway leaves no file behind and exits with 130", async () => {
    faults = new Map([[4, "hang"]]);
    const file = join(folder, "winners.csv");
    const running = await startCli(["export", campaignId, "--out", file], { url: service.url });
    await hangs(async () => (await readdir(folder)).length > 0);
    running.child.kill("SIGINT");
    const { code, stderr } = await running.finished;
    expect(code).to.equal(130);
    expect(stderr).to.equal("coupon: interrupted\n");
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it("a reader that has seen enough ends it quietly", async () => {
    total = 200_000;
    issuedSaid = total;
    const running = await startCli(["export", campaignId], { url: service.url });
    running.child.stdout?.once("data", () => running.child.stdout?.destroy());
    const { code, stderr } = await running.finished;
    expect(stderr).to.equal("");
    expect(code).to.equal(0);
  });

  it("--resume goes on with what a killed export had written: no row twice, none lost", async () => {
    total = 4_000;
    issuedSaid = total;
    const file = join(folder, "winners.csv");
    const args = ["--out", file, "--resume", "--bom"];
    faults = new Map([[2_000, "hang"]]);
    const running = await startCli(["export", campaignId, ...args], { url: service.url });
    await hangs(() => isThere(".winners.csv.resume.json"));
    running.child.kill("SIGKILL");
    await running.finished;
    expect(await readdir(folder))
      .to.include(".winners.csv.resume.part")
      .and.not.include("winners.csv");

    // Anything that the killed process wrote after its last saved place is cut off.
    await appendFile(join(folder, ".winners.csv.resume.part"), "half a row");
    requests = [];
    const again = await run(...args);
    expect(again.code, again.stderr).to.equal(0);
    expect(requests[0]?.pageToken, "it went on").to.match(/^at-/);
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    expect(lines[0]).to.match(/^\uFEFFcode,/);
    expect(lines.slice(1).map((line) => Number(line.split(",")[2]))).to.deep.equal(oneTo(total));
    expect(await readdir(folder)).to.deep.equal(["winners.csv"]);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
  });

  it("--resume keeps the place at Ctrl-C and at a refusal, and goes on from exactly there", async () => {
    total = 40;
    issuedSaid = total;
    const file = join(folder, "winners.jsonl");
    const args = ["--out", file, "--resume", "--format", "jsonl"];
    faults = new Map([[16, "unauthenticated"]]);
    const refused = await run(...args);
    expect(refused.code).to.equal(6);
    expect(refused.stderr).to.include("16 rows are kept; the same command goes on from there");
    faults = new Map([[24, "hang"]]);
    const running = await startCli(["export", campaignId, ...args], { url: service.url });
    await hangs(hasLines(".winners.jsonl.resume.part", 24));
    running.child.kill("SIGINT");
    expect((await running.finished).code).to.equal(130);
    requests = [];
    const done = await run(...args);
    expect(done.code, done.stderr).to.equal(0);
    expect(done.stderr).to.include("going on after 24 rows");
    expect(requests.map(({ pageToken }) => pageToken)).to.deep.equal(["at-24"]);
    expect(seqs(await readFile(file, "utf8"))).to.deep.equal(oneTo(total));
  });

  it("--resume refuses to go on with another export", async () => {
    faults = new Map([[4, "unauthenticated"]]);
    const file = join(folder, "winners.csv");
    expect((await run("--out", file, "--resume")).code).to.equal(6);
    const other = await run("--out", file, "--resume", "--bom");
    expect(other.code).to.equal(2);
    expect(other.stderr).to.match(/was another one/);
  });

  for (const where of ["in its last rows", "midway"] as const) {
    it(`--resume on a disk that is full ${where} fails, makes no file, and goes on once there is room`, async () => {
      total = 40;
      issuedSaid = total;
      const args = ["--resume", "--format", "jsonl"];
      const fits = join(folder, "fits.jsonl");
      expect((await run(...args, "--out", fits)).code).to.equal(0);
      const { size } = await stat(fits);
      // The rows of a batch are longer than a block, so the last write is partial, without an error.
      const blocks = where === "midway" ? Math.floor(size / 1_024) : Math.ceil(size / 512) - 1;
      const file = join(folder, "winners.jsonl");
      const surroundings = { url: service.url, fileBlocksMax: blocks };
      const full = await runCli(["export", campaignId, ...args, "--out", file], surroundings);
      expect(full.code, full.stderr).to.equal(2);
      expect(full.stderr).to.match(/cannot write .*winners.jsonl": EFBIG[\s\S]*ulimit -f/);
      expect(full.stderr).to.match(/\d+ rows are kept; the same command goes on from there/);
      expect(await readdir(folder)).to.not.include("winners.jsonl");
      const note = JSON.parse(await readFile(join(folder, ".winners.jsonl.resume.json"), "utf8"));
      const draft = await readFile(join(folder, ".winners.jsonl.resume.part"));
      expect(draft.length, "the note speaks of what is there").to.equal(note.bytes);
      expect(full.stderr).to.include(`${note.rows} rows are kept`);

      const again = await run(...args, "--out", file);
      expect(again.code, again.stderr).to.equal(0);
      expect(again.stderr).to.include(`going on after ${note.rows} rows`);
      expect(seqs(await readFile(file, "utf8"))).to.deep.equal(oneTo(total));
      expect(await readdir(folder)).to.have.members(["fits.jsonl", "winners.jsonl"]);
    });
  }

  it("--resume refuses a second export to the same file while the first is at work; the first loses nothing", async () => {
    total = 400;
    issuedSaid = total;
    const file = join(folder, "winners.jsonl");
    const args = ["--out", file, "--resume", "--format", "jsonl"];
    faults = new Map([[200, "hang"]]);
    const first = await startCli(["export", campaignId, ...args, "--timeout", "600000"], {
      url: service.url,
    });
    await hangs(() => isThere(".winners.jsonl.resume.lock"));
    const second = await runAlone(...args);
    expect(second.code).to.equal(2);
    expect(second.stderr).to.match(
      new RegExp(`process ${first.child.pid} on .* is at work on an export to .*winners`),
    );
    expect(second.stderr).to.include(join(folder, ".winners.jsonl.resume.lock"));
    // The server answers again, and the first command continues.
    endHang();
    const { code, stderr } = await first.finished;
    expect(code, stderr).to.equal(0);
    expect(seqs(await readFile(file, "utf8"))).to.deep.equal(oneTo(total));
    expect(await readdir(folder)).to.deep.equal(["winners.jsonl"]);
  });

  it("--resume of two that begin at once: whoever ends well has made the whole file", async () => {
    total = 2_000;
    issuedSaid = total;
    const file = join(folder, "winners.jsonl");
    const both = await Promise.all(
      [1, 2].map(() => runAlone("--out", file, "--resume", "--format", "jsonl")),
    );
    expect(both.map(({ code }) => code)).to.include(0);
    for (const { code, stderr } of both) if (code !== 0) expect(stderr).to.match(/is at work on an export/);
    expect(seqs(await readFile(file, "utf8"))).to.deep.equal(oneTo(total));
    expect(await readdir(folder)).to.deep.equal(["winners.jsonl"]);
  });

  it("--resume goes on with no draft that has a hole, and anew where there is none", async () => {
    total = 40;
    issuedSaid = total;
    const file = join(folder, "winners.jsonl");
    const args = ["--out", file, "--resume", "--format", "jsonl"];
    const draft = join(folder, ".winners.jsonl.resume.part");
    faults = new Map([[16, "unauthenticated"]]);
    expect((await run(...args)).code).to.equal(6);
    const whole = await readFile(draft);
    await writeFile(draft, Buffer.concat([whole.subarray(0, 100), Buffer.alloc(800), whole.subarray(900)]));
    const holed = await run(...args);
    expect(holed.code).to.equal(2);
    expect(holed.stderr).to.match(/does not have the lines that its note counts[\s\S]*remove it/);
    await writeFile(draft, whole.subarray(0, 100));
    expect((await run(...args)).stderr).to.match(/is shorter than its note/);
    const note = join(folder, ".winners.jsonl.resume.json");
    const noted = await readFile(note, "utf8");
    await writeFile(note, noted + " ".repeat(100_000));
    expect((await run(...args)).stderr, "a note without a bound").to.match(/is not a note of this command/);
    await writeFile(note, noted);
    await rm(draft);
    const anew = await run(...args);
    expect(anew.code, anew.stderr).to.equal(0);
    expect(seqs(await readFile(file, "utf8"))).to.deep.equal(oneTo(total));
  });

  it("--resume makes no file of a draft that something else changed meanwhile", async () => {
    total = 400;
    issuedSaid = total;
    const file = join(folder, "winners.jsonl");
    const args = ["--out", file, "--resume", "--format", "jsonl", "--timeout", "500"];
    faults = new Map([[200, "hang"]]);
    const running = await startCli(["export", campaignId, ...args], { url: service.url });
    // None of the rows of before the silence is written after this test's change.
    await hangs(hasLines(".winners.jsonl.resume.part", 200));
    const path = join(folder, ".winners.jsonl.resume.part");
    const draft = await open(path, "r+");
    await draft.write(Buffer.alloc(500), 0, 500, 100);
    await draft.close();
    const { code, stderr } = await running.finished;
    expect(code).to.equal(2);
    expect(stderr).to.match(/is not what was written/);
    expect(await readdir(folder)).to.not.include("winners.jsonl");
  });

  it("--resume leaves neither file nor draft where fewer rows came than there are", async () => {
    issuedSaid = 12;
    const { code, stderr } = await run("--out", join(folder, "winners.csv"), "--resume");
    expect(code).to.equal(1);
    expect(stderr).to.match(/10 rows came, but 12 coupons were issued/);
    expect(await readdir(folder)).to.deep.equal([]);
  });

  /** What another user could put where the next export looks for its own draft or note. */
  const plants: [
    what: string,
    name: string,
    why: RegExp,
    plant: (path: string, other: string) => Promise<void>,
  ][] = [
    [
      "a link in place of the draft",
      ".winners.csv.resume.part",
      /is a symbolic link/,
      (at, to) => symlink(to, at),
    ],
    [
      "a hard link in place of the draft",
      ".winners.csv.resume.part",
      /has 2 names/,
      (at, to) => link(to, at),
    ],
    [
      "a link in place of the note",
      ".winners.csv.resume.json",
      /is a symbolic link/,
      (at, to) => symlink(to, at),
    ],
    [
      "a link in place of the next note",
      ".winners.csv.resume.json.new",
      /is a symbolic link/,
      (at, to) => symlink(to, at),
    ],
    [
      "a draft that others may write",
      ".winners.csv.resume.part",
      /is open to other users \(mode 0666\)/,
      openToAll,
    ],
    [
      "a note that others may write",
      ".winners.csv.resume.json",
      /is open to other users \(mode 0666\)/,
      openToAll,
    ],
  ];
  async function openToAll(path: string): Promise<void> {
    await writeFile(path, "another's");
    await chmod(path, 0o666);
  }
  for (const [what, name, why, plant] of plants) {
    it(`--resume refuses ${what}, names it, and leaves the other file as it is`, async () => {
      const outside = await mkdtemp(join(tmpdir(), "export-other-"));
      try {
        const other = join(outside, "precious");
        await writeFile(other, "precious", { mode: 0o600 });
        await plant(join(folder, name), other);
        const { code, stderr } = await run("--out", join(folder, "winners.csv"), "--resume");
        expect(code, stderr).to.equal(2);
        expect(stderr)
          .to.include(join(folder, name))
          .and.match(why)
          .and.match(/remove it/);
        expect(await readFile(other, "utf8")).to.equal("precious");
        expect(await readdir(folder)).to.not.include("winners.csv");
      } finally {
        await rm(outside, { recursive: true, force: true });
      }
    });
  }

  it("--out through a link: an operator's own is followed, another user's is refused", async () => {
    const [named, target] = [join(folder, "link.csv"), join(folder, "target.csv")];
    await writeFile(target, "old");
    await symlink(target, named);
    expect((await run("--out", named)).code).to.equal(0);
    expect(await readFile(target, "utf8")).to.match(/^code,/);
    expect((await lstat(named)).isSymbolicLink()).to.equal(true);
    // Only root can make a link another user's.
    if (process.geteuid?.() !== 0) return;
    await lchown(named, 65_534, 65_534);
    for (const resume of [[], ["--resume"]]) {
      const { code, stderr } = await run("--out", named, ...resume);
      expect(code).to.equal(2);
      expect(stderr).to.match(/is a link that another user made \(uid 65534\)/);
    }
  });

  const mistakes: [args: string[], why: RegExp][] = [
    [["--format", "xml"], /csv or jsonl/],
    [["--format", "jsonl", "--bom"], /--bom/],
    [["--resume"], /--resume goes with --out only/],
    [["--out", "/"], /not a file/],
    [["--out", "/dev/null"], /not a file/],
    [["--out", "/nowhere/at/all.csv"], /cannot write .*ENOENT/],
    [["--out", "x.csv", "--page-token", "at-4"], /standard output only/],
  ];
  for (const [args, why] of mistakes) {
    it(`refuses ${args.join(" ")}`, async () => {
      const { code, stderr } = await run(...args);
      expect(code).to.equal(2);
      expect(stderr).to.match(why);
      expect(requests).to.have.length(0);
    });
  }

  it("an unknown campaign exits with 4", async () => {
    const { code } = await runHere(["export", "OTHER"], { url: service.url });
    expect(code).to.equal(4);
  });
});
