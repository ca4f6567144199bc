import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { run } from "../../cli/run.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { withRecordedCalls } from "../support/recorded-calls.ts";
import { readJsonLines, startCli } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, campaignId, refusal, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";
import { standInTerminal as terminal } from "../support/stand-in-terminal.ts";

/** How the stream ends after its first message. */
type End = "reset" | "end" | "error" | "hang" | "over" | "gone";

describe("cli watch", () => {
  let service: StandIn;
  let ends: End[] = [];
  let opened = 0;
  let onHang: (() => void) | undefined;
  /** The revision before the first message; undefined: the service sends none, as an earlier version did. */
  let revision: number | undefined;
  /** Whether the changes up to the end come in a message of their own. */
  let isLate = false;
  let askedAfter: (number | undefined)[] = [];

  before(async () => {
    service = await startStandIn({
      campaigns: {
        listCampaigns: () => ({ serverTime: timestampFromMs(startMs - 60_000) }),
        createCampaign: () => ({ campaign: campaign({ state: CampaignState.GENERATING, generated: 10 }) }),
        async *watchCampaign({ afterRevision }, context) {
          const end = ends.shift() ?? "over";
          opened++;
          askedAfter.push(afterRevision);
          if (end === "gone") throw refusal(Code.NotFound, RefusalReason.UNKNOWN_CAMPAIGN);
          const over = end === "over";
          const state = over ? CampaignState.SOLD_OUT : CampaignState.OPEN;
          const hang = end === "hang";
          yield {
            campaign: campaign(
              hang ? { state: CampaignState.GENERATING, generated: 500 } : { state, issued: opened * 100 },
            ),
            serverTime: timestampFromMs(startMs - 60_000),
            ...(revision === undefined ? {} : { revision: revision + opened, isOver: over && !isLate }),
          };
          if (isLate && over) yield { campaign: campaign({ state }), revision: 99, isOver: true };
          if (end === "reset") service.breakConnections();
          if (end === "error") throw new ConnectError("going down", Code.Unavailable);
          if (hang) {
            onHang?.();
            await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
          }
        },
      },
    });
  });
  beforeEach(() => {
    ends = [];
    opened = 0;
    revision = undefined;
    isLate = false;
    askedAfter = [];
    onHang = undefined;
  });
  after(() => service.close());

  it("opens a broken stream again and says so, however it broke", async () => {
    ends = ["reset", "end", "error", "over"];
    const { code, stdout, stderr } = await runHere(["watch", campaignId], { url: service.url });
    expect(code).to.equal(0);
    expect(opened).to.equal(4);
    expect(stderr.match(/opening the stream again/g)).to.have.length(3);
    expect(stdout).to.match(/SOLD_OUT/);
  });

  it("goes on after the last change that it was told, and ends when all of them are told", async () => {
    // Not "reset": a reset could overtake the message before it.
    ends = ["error", "end", "over"];
    revision = 10;
    isLate = true;
    const args = ["watch", campaignId, "--after", "4", "--json"];
    const { code, stdout } = await runHere(args, { url: service.url });
    expect(code).to.equal(0);
    expect(askedAfter).to.deep.equal([4, 11, 12]);
    expect(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")).to.include({ revision: 99, isOver: true });
  });

  it("a stream that falls silent counts as broken", async () => {
    ends = ["hang", "over"];
    const args = ["watch", campaignId, "--timeout", "100", "--interval", "100"];
    const { code, stderr } = await runHere(args, { url: service.url });
    expect(code).to.equal(0);
    expect(stderr).to.match(/no answer in time, opening the stream again/);
  });

  it("a refusal is not tried again", async () => {
    ends = ["gone"];
    const { code } = await runHere(["watch", campaignId], { url: service.url });
    expect(code).to.equal(4);
    expect(opened).to.equal(1);
  });

  it("Ctrl-C exits with 130", async () => {
    ends = ["hang"];
    const running = await startCli(["watch", campaignId], { url: service.url });
    await running.until(/GENERATING/);
    running.child.kill("SIGINT");
    expect(await running.finished).to.include({ code: 130, stderr: "coupon: interrupted\n" });
  });

  it("create --wait that gets no further exits with 5 and still gives the id", async () => {
    ends = ["hang"];
    const create = ["create", "--name", "x", "--total", "1000", "--start", "2027-01-01T00:00:00Z"];
    const waiting = await runHere([...create, "--wait", "--wait-timeout", "400"], { url: service.url });
    expect(waiting.code).to.equal(5);
    expect(waiting.stderr).to.match(/was created, but only [\d,]+ of 1,000 codes were made in 400 ms/);
    expect(waiting.stdout).to.include(`created ${campaignId}`);
  });

  it("Ctrl-C while create waits still gives the id", async () => {
    ends = ["hang"];
    const create = ["create", "--name", "x", "--total", "1000", "--start", "2027-01-01T00:00:00Z", "--wait"];
    const arrived = new Promise<void>((resolve) => {
      onHang = resolve;
    });
    const running = await startCli(create, { url: service.url });
    await arrived;
    running.child.kill("SIGINT");
    const { code, stdout } = await running.finished;
    expect(code).to.equal(130);
    expect(stdout).to.include(`created ${campaignId}`);
  });

  describe("without a terminal", () => {
    const { coupons } = withRecordedCalls();

    it("writes plain lines into a pipe and ends with the campaign", async () => {
      const { code, stdout, stderr } = await coupons("watch", campaignId);
      expect(code).to.equal(0);
      expect(stderr).to.equal("");
      const lines = stdout.trimEnd().split("\n");
      expect(lines).to.have.length(4);
      expect(lines[0]).to.match(/GENERATING {2}100\/1,000 codes made {2}opens in \d\d:\d\d:\d\d$/);
      expect(lines[3]).to.match(/SOLD_OUT {2}1,000\/1,000 issued {2}0 left {2}12\/s$/);
      expect(stdout).not.to.include("\x1b");
    });

    it("writes JSON lines with --json", async () => {
      const { stdout } = await coupons("watch", campaignId, "--json");
      const states = readJsonLines(stdout).map((message) => Object(message["campaign"]).state);
      expect(states.at(-1)).to.equal("CAMPAIGN_STATE_SOLD_OUT");
    });
  });

  describe("on a terminal", () => {
    /** Runs the command in this process; presses Ctrl-C once standard error shows `interruptAt`. */
    async function onTerminal(
      args: string[],
      env: NodeJS.ProcessEnv = {},
      interruptAt?: string,
      columns = 120,
    ) {
      const stdout = terminal(columns);
      const stderr = terminal(columns);
      const interruption = new AbortController();
      stderr.on("data", () => {
        if (interruptAt !== undefined && stderr.shown().includes(interruptAt)) interruption.abort();
      });
      const { signal } = interruption;
      const surroundings = { COUPON_URL: service.url, XDG_CONFIG_HOME: "/nonexistent", ...env };
      const code = await run({ args, env: surroundings, stdin: terminal(), stdout, stderr, signal });
      return { code, stdout: stdout.shown(), stderr: stderr.shown() };
    }

    it("on 60 columns the countdown is whole", async () => {
      ends = ["hang", "over"];
      const create = ["create", "--name", "x", "--total", "1000", "--start", "+1m", "--timeout", "1000"];
      const { stderr } = await onTerminal(create, {}, undefined, 60);
      expect(stderr).to.match(/GENERATING {2}█{4}░{4} 500\/1,000 codes made {2}opens in 00:01:00/);
    });

    it("watch draws a bar, closes it for a note, and leaves a summary and the cursor", async () => {
      ends = ["end", "over"];
      const { code, stdout, stderr } = await onTerminal(["watch", campaignId]);
      expect(code).to.equal(0);
      expect(stderr).to.match(/OPEN {2}[█░]{24} 100\/1,000 issued/);
      expect(stderr).to.include("opening the stream again");
      expect(stderr.lastIndexOf("\x1b[?25h")).to.be.greaterThan(stderr.lastIndexOf("\x1b[?25l"));
      expect(stdout).to.include("SOLD_OUT").and.include("\x1b[36m");
    });

    for (const [name, args, env] of [
      ["--no-color", ["--no-color"], {}],
      ["NO_COLOR", [], { NO_COLOR: "1" }],
      ["TERM=dumb", [], { TERM: "dumb" }],
    ] as const) {
      it(`${name} is without colour`, async () => {
        const { stdout } = await onTerminal(["watch", campaignId, ...args], env);
        expect(stdout).to.include("SOLD_OUT").and.not.include("\x1b");
      });
    }

    it("create waits by itself and shows the codes being made", async () => {
      ends = ["hang", "over"];
      const create = ["create", "--name", "x", "--total", "1000", "--start", "+1m", "--timeout", "1000"];
      const { code, stdout, stderr } = await onTerminal(create);
      expect(code).to.equal(0);
      expect(stderr).to.match(/GENERATING {2}█{12}░{12} 500\/1,000 codes made {2}opens in/);
      expect(stdout).to.include(`created ${campaignId}`).and.include("next: coupon preflight");
    });

    it("--no-wait does not wait", async () => {
      const create = ["create", "--name", "x", "--total", "1000", "--start", "+1m", "--no-wait"];
      const { code } = await onTerminal(create);
      expect(code).to.equal(0);
      expect(opened).to.equal(0);
    });

    it("an interruption restores the cursor", async () => {
      ends = ["hang"];
      const { code, stderr } = await onTerminal(["watch", campaignId], {}, "GENERATING");
      expect(code).to.equal(130);
      expect(stderr.lastIndexOf("\x1b[?25h")).to.be.greaterThan(stderr.lastIndexOf("\x1b[?25l"));
    });
  });
});
