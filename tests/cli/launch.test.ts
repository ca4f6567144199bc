import { spawn } from "node:child_process";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { exitCodes } from "../../cli/exit-code.ts";
import { run } from "../../cli/run.ts";
import { builtProduct } from "../../local/built.ts";
import { until } from "../../local/poll.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { PreflightColour, type WatchCampaignRequest } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { EventLevel } from "../../proto/gen/coupon/v1/watch_pb.ts";
import { HANG_MS } from "../support/patience.ts";
import { readJsonLines, startCli } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, campaignId, refusal, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";
import { readScreen, standInTerminal } from "../support/stand-in-terminal.ts";

const { SCHEDULED, OPEN, SOLD_OUT } = CampaignState;

/** How the stream continues after its first message. */
type Course = "stay" | "end" | "reset" | "gone" | "over";

describe("cli launch", () => {
  let service: StandIn;
  let courses: Course[] = [];
  let state: CampaignState = OPEN;
  let requests: WatchCampaignRequest[] = [];
  /** The revision before the first message; undefined: the service sends none, as an earlier version did. */
  let revision: number | undefined;
  let preflights = 0;
  const interrupts: (() => void)[] = [];

  before(async () => {
    service = await startStandIn({
      campaigns: {
        preflightCampaign() {
          preflights++;
          const lines = [
            { check: "start", colour: PreflightColour.GREEN, finding: "opens", advice: "" },
            { check: "servers", colour: PreflightColour.AMBER, finding: "only one", advice: "start another" },
          ];
          return { colour: PreflightColour.AMBER, lines };
        },
        async *watchCampaign(request, context) {
          requests.push(request);
          const course = courses.shift() ?? "stay";
          if (course === "gone") throw refusal(Code.NotFound, RefusalReason.UNKNOWN_CAMPAIGN);
          const shown = course === "over" ? SOLD_OUT : state;
          const sinceStartMs = shown === SCHEDULED ? -90_000 : 5_000;
          yield {
            campaign: campaign({ state: shown, issued: requests.length * 100 }),
            remaining: 900,
            issuedPerSecond: 12.5,
            ledgerDepth: 3,
            ...(revision === undefined ? {} : { revision: revision + requests.length }),
            serverTime: timestampFromMs(startMs + sinceStartMs),
            traffic: {
              answersPerSecond: 20,
              outcomes: [{ outcome: "sold_out", perSecond: 20, total: 40n }],
              p50Ms: 1.5,
              p99Ms: 9.5,
            },
            processes: [
              { id: "a", host: "seoul-1", pid: 1, roles: ["server"], version: "1.0.0", silentMs: 1n },
            ],
            events: [
              {
                at: timestampFromMs(startMs),
                level: EventLevel.ALARM,
                kind: "alarm",
                text: "something is wrong",
              },
            ],
          };
          if (course === "reset") service.breakConnections();
          if (course === "end" || course === "over") return;
          await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        },
      },
    });
  });
  beforeEach(() => {
    courses = [];
    state = OPEN;
    requests = [];
    revision = undefined;
    preflights = 0;
  });
  afterEach(() => {
    for (const interrupt of interrupts.splice(0)) interrupt();
  });
  after(() => service.close());

  /** Runs the console in this process, on a terminal of so many columns and rows. */
  function onTerminal(env: NodeJS.ProcessEnv = {}, args: readonly string[] = []) {
    const [stdin, stdout, stderr] = [standInTerminal(), standInTerminal(80, 24), standInTerminal()];
    for (const one of [stdout, stderr]) one.resume();
    const interruption = new AbortController();
    interrupts.push(() => interruption.abort());
    const surroundings = {
      COUPON_URL: service.url,
      XDG_CONFIG_HOME: "/nonexistent",
      ...env,
    };
    const finished = run({
      args: ["launch", campaignId, ...args],
      env: surroundings,
      ...{ stdin, stdout, stderr, signal: interruption.signal },
    });
    const read = () => readScreen(stdout.shown());
    const shows = async (pattern: RegExp) => {
      const is = () => pattern.test((read().rows ?? []).join("\n"));
      if (!(await until(is, HANG_MS, 5))) throw new Error(`no ${pattern} in\n${read().rows?.join("\n")}`);
    };
    return { stdin, stdout, stderr, finished, interrupt: () => interruption.abort(), read, shows };
  }
  const givenBack = { rows: undefined, cursor: true, wraps: true };

  it("fills the screen until q, which gives it back and says where things stand", async () => {
    const { stdin, stdout, stderr, finished, read, shows } = onTerminal();
    await shows(/issued .* 100 of 1,000/);
    await shows(/sold out 20\/s \(40\)/);
    await shows(/\d\d:00:00 !! something is wrong/);
    expect(read()).to.include({ cursor: false, wraps: false, main: "" });
    expect(read().rows).to.have.length(24);
    expect(stdin.raw).to.equal(true);
    expect(requests.map(({ keepOn, intervalMs }) => [keepOn, intervalMs])).to.deep.equal([[true, 1_000]]);
    stdin.write("q");
    expect(await finished).to.equal(0);
    expect(read()).to.include(givenBack);
    expect(stdin.raw).to.equal(false);
    expect(read().main)
      .to.match(/100 of 1,000 issued/)
      .and.match(/ {2}\d\d:00:00 !! something is wrong\n$/);
    expect(stdout.shown()).to.include("\x1b[32m");
    expect(stderr.shown()).to.equal("");
  });

  it("p after the opening says that a preflight is for before it, once", async () => {
    const { stdin, finished, read, shows } = onTerminal();
    await shows(/issued/);
    stdin.write("pp");
    await shows(/p: a preflight is for before the opening/);
    expect(read().rows?.filter((row) => row.includes("p: a preflight"))).to.have.length(1);
    expect(preflights).to.equal(0);
    stdin.write("q");
    expect(await finished).to.equal(0);
  });

  for (const [name, stop] of [
    ["Ctrl-C, which raw mode makes a key", ({ stdin }: ReturnType<typeof onTerminal>) => stdin.write("\x03")],
    ["a signal", ({ interrupt }: ReturnType<typeof onTerminal>) => interrupt()],
  ] as const) {
    it(`${name} gives the screen back and exits with 130`, async () => {
      const running = onTerminal();
      await running.shows(/issued/);
      stop(running);
      expect(await running.finished).to.equal(130);
      expect(running.read()).to.include(givenBack);
      expect(running.stdin.raw).to.equal(false);
      expect(running.stderr.shown()).to.match(/interrupted/);
    });
  }

  it("an error gives the screen back before it is told", async () => {
    courses = ["gone"];
    const { finished, read, stderr, stdin } = onTerminal();
    expect(await finished).to.equal(4);
    expect(read()).to.include({ ...givenBack, main: "" });
    expect(stdin.raw).to.equal(false);
    expect(stderr.shown()).to.match(/there is no/);
  });

  it("a server that goes away and comes back is shown, and the stream opened again", async () => {
    courses = ["end", "reset", "stay"];
    const { finished, read, shows, stdin } = onTerminal();
    await shows(/! not connected: .*again in/);
    await shows(/OPEN \d+ s ago/);
    await shows(/issued .* 300 of 1,000/);
    await shows(/connected to http/);
    await shows(/! {2}connection lost: .*\n(.*\n)*.*connected again/);
    expect(read().rows?.[0]).not.to.match(/ago/);
    expect(requests).to.have.length(3);
    stdin.write("Q");
    expect(await finished).to.equal(0);
  });

  it("a stream that is opened again goes on after the last change that was told", async () => {
    courses = ["end", "end", "stay"];
    revision = 10;
    const { finished, shows, stdin } = onTerminal({}, ["--after", "4"]);
    await shows(/issued .* 300 of 1,000/);
    expect(requests.map(({ afterRevision }) => afterRevision)).to.deep.equal([4, 11, 12]);
    stdin.write("q");
    expect(await finished).to.equal(0);
  });

  it("a server that is away for as long as --retries allows ends it with the error of the others", async () => {
    courses = ["reset", "reset"];
    const { finished, read } = onTerminal({}, ["--retries", "0"]);
    expect(await finished).to.equal(exitCodes.unavailable);
    expect(read()).to.include(givenBack);
  });

  it("before the opening the preflight is made and shown, and again at p", async () => {
    state = SCHEDULED;
    const { finished, shows, stdin } = onTerminal();
    await shows(/opens in 00:01:(30|29) {2}at 2026-12-2/);
    await shows(/preflight AMBER {2}1 of 2 checks are green/);
    await shows(/AMBER servers: only one → start another/);
    expect(preflights).to.equal(1);
    stdin.write("p");
    expect(await until(() => preflights === 2, HANG_MS, 5)).to.equal(true);
    stdin.write("q");
    expect(await finished).to.equal(0);
  });

  it("follows the size of the terminal, and Ctrl-L draws all of it again", async () => {
    const { finished, read, shows, stdin, stdout } = onTerminal();
    await shows(/issued/);
    stdout.columns = 50;
    stdout.rows = 10;
    stdout.emit("resize");
    expect(read().rows).to.have.length(10);
    const before = stdout.shown().length;
    stdin.write("\x0c");
    await until(() => stdout.shown().length > before, HANG_MS, 5);
    expect(stdout.shown().slice(before)).to.include("\x1b[2J").and.include("크리스마스");
    stdin.write("q");
    await finished;
  });

  it("NO_COLOR is without colour, and on the screen all the same", async () => {
    const { finished, shows, stdin, stdout } = onTerminal({ NO_COLOR: "1" });
    await shows(/!! something is wrong/);
    stdin.write("q");
    await finished;
    const styles = stdout
      .shown()
      .split("\x1b[")
      .filter((piece) => /^\d*m/.test(piece));
    // The one sequence that ends all styles, when the screen is restored.
    expect(styles.map((piece) => piece.slice(0, 2))).to.deep.equal(["0m"]);
  });

  it("a terminal without Unicode is drawn on in ASCII", async () => {
    const { finished, read, shows, stdin } = onTerminal({ LC_ALL: "C" });
    await shows(/issued {4}#+\.+ 100 of/);
    expect(read().rows?.join("")).not.to.match(/[█░…]/);
    stdin.write("q");
    await finished;
  });

  it("TERM=dumb gets lines", async () => {
    courses = ["over"];
    const { finished, read, stdout } = onTerminal({ TERM: "dumb" });
    expect(await finished).to.equal(0);
    expect(stdout.shown()).not.to.include("\x1b");
    expect(read().main).to.match(/^2026-.*Z {2}SOLD_OUT {2}100\/1,000 issued/m);
  });

  it("in a pipe it writes lines with their times, and ends with the campaign", async () => {
    courses = ["over"];
    const { code, stdout, stderr } = await runHere(["launch", campaignId], { url: service.url });
    expect([code, stderr]).to.deep.equal([0, ""]);
    expect(stdout.split("\n")).to.deep.equal([
      "2026-12-24T11:00:00.000Z  !! something is wrong",
      "2026-12-24T11:00:05.000Z  SOLD_OUT  100/1,000 issued  900 left  13/s  p50 1.5 ms  p99 9.5 ms  20/s refused  3 being recorded",
      "",
    ]);
    expect(requests[0]?.keepOn).to.equal(false);
  });

  it("--json writes an object a line, also on a terminal", async () => {
    courses = ["over"];
    const { code, stdout } = await runHere(["launch", campaignId, "--json"], { url: service.url });
    expect(code).to.equal(0);
    const [line, ...others] = readJsonLines(stdout);
    expect(others).to.deep.equal([]);
    expect(line).to.have.all.keys(
      ...[
        "campaign",
        "remaining",
        "issuedPerSecond",
        "isOver",
        "ledgerDepth",
        "serverTime",
        "traffic",
        "processes",
        "events",
      ],
    );
    courses = ["over"];
    const { finished, stdout: screen } = onTerminal({}, ["--json"]);
    expect(await finished).to.equal(0);
    expect(readJsonLines(screen.shown())).to.have.length(1);
  });

  it("SIGTERM in a pipe exits with 130", async () => {
    const running = await startCli(["launch", campaignId], { url: service.url });
    await running.until(/OPEN/);
    running.child.kill("SIGTERM");
    expect(await running.finished).to.include({ code: 130, stderr: "coupon: interrupted\n" });
  });

  describe("in a pseudo terminal", () => {
    /**
     * Runs the real command under script(1) of util-linux, which Debian always has; the output at the end
     * shows the terminal's modes.
     */
    async function underScript() {
      const command = join(await builtProduct(), "cli", "coupon.mjs");
      const launch = `exec "${process.execPath}" "${command}" launch ${campaignId}`;
      const inside = `stty cols 80 rows 24; stty -g; sh -c 'echo "pid=$$"; ${launch}'; echo "code=$?"; stty -g; echo done`;
      const env = {
        ...process.env,
        ...{ COUPON_URL: service.url, TZ: "Asia/Seoul", XDG_CONFIG_HOME: "/nonexistent" },
        ...{ TERM: "xterm-256color", LC_ALL: "C.UTF-8", NO_COLOR: "" },
      };
      const child = spawn("script", ["-qec", inside, "/dev/null"], { env });
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      const closed = new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
      const shows = async (pattern: RegExp) => {
        if (!(await until(() => pattern.test(text), HANG_MS, 10)))
          throw new Error(`no ${pattern} in ${text}`);
      };
      return { child, closed, shows, text: () => text };
    }

    type Running = Awaited<ReturnType<typeof underScript>>;
    for (const [name, code, leave] of [
      ["q", 0, ({ child }: Running) => child.stdin.write("q")],
      ["Ctrl-C", 130, ({ child }: Running) => child.stdin.write("\x03")],
      ["SIGTERM", 130, ({ text }: Running) => process.kill(Number(/pid=(\d+)/.exec(text())?.[1]), "SIGTERM")],
    ] as const) {
      it(`${name} leaves it as it was and exits with ${code}`, async () => {
        const running = await underScript();
        const { child, closed, shows, text } = running;
        await shows(/100 of 1,000/);
        expect(text()).to.include("\x1b[?1049h").and.include("\x1b[?25l");
        leave(running);
        await shows(/done/);
        child.stdin.end();
        await closed;
        expect(text()).to.include(`code=${code}`);
        const [before, after] = text().match(/^[0-9a-f]+(:[0-9a-f]+){10,}/gm) ?? [];
        expect(after).to.be.a("string").and.equal(before);
        for (const [on, off] of [
          ["\x1b[?1049l", "\x1b[?1049h"],
          ["\x1b[?25h", "\x1b[?25l"],
          ["\x1b[?7h", "\x1b[?7l"],
        ] as const)
          expect(text().lastIndexOf(on)).to.be.greaterThan(text().lastIndexOf(off));
      });
    }
  });
});
