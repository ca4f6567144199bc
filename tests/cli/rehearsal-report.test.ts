import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { openOutput } from "../../cli/output.ts";
import {
  exitCodeFor,
  type RehearsalFacts,
  reasonsAgainst,
  remarksOn,
  reportText,
} from "../../cli/rehearsal-report.ts";
import { PreflightColour, PreflightLineSchema } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CheckVerdict, VerifyCheckSchema } from "../../proto/gen/coupon/v1/verify_pb.ts";
import { runCli } from "../support/run-cli.ts";
import { campaign, type StandIn, startStandIn } from "../support/stand-in.ts";

function facts(more: Partial<RehearsalFacts> = {}): RehearsalFacts {
  return {
    ...{ campaignId: "01REAL", rehearsalId: "R1SHADOW", issued: 100 },
    plan: { total: 100, users: 120, ratePerSecond: 1_000, leadMs: 15_000, seed: 5, pressingMs: 180 },
    preflight: { colour: PreflightColour.GREEN, lines: [] },
    press: {
      ...{ presses: 180, latencyMs: { p50: 1.25, p99: 9, max: 12 }, issued: 100, again: 20 },
      ...{ refusals: { SOLD_OUT: 20, NOT_STARTED: 9 }, unclear: 1, unanswered: 0, ownLagMs: 3 },
    },
    ...{ openingLateMs: 2, firstCouponLateMs: 3, soldOutAfterMs: 150, checks: [], historyChecks: [] },
    ...more,
  };
}

const check = (verdict: CheckVerdict, invariant = "U5") =>
  create(VerifyCheckSchema, {
    ...{ invariant, title: "the books balance", verdict, violations: 1 },
    notJudgedBecause: verdict === CheckVerdict.NOT_JUDGED ? "why" : "",
  });

describe("the report of a rehearsal", () => {
  const output = openOutput({
    ...{
      stdout: process.stdout,
      stderr: process.stderr,
      json: false,
      colour: false,
      canDraw: false,
      redact: (text) => text,
    },
  });
  const red = { colour: PreflightColour.RED, lines: [] };
  const { press, plan } = facts();

  const cases: [what: string, more: Partial<RehearsalFacts>, reason: RegExp | undefined, exit: number][] = [
    ["all as it has to be", {}, undefined, 0],
    ["a guarantee of the stores", { checks: [check(CheckVerdict.VIOLATED)] }, /^U5 is violated$/, 8],
    ["a guarantee by the callers", { historyChecks: [check(CheckVerdict.VIOLATED, "U2")] }, /^U2 is/, 8],
    [
      "what the stores did not show",
      { checks: [check(CheckVerdict.NOT_JUDGED)] },
      /^U5 was not judged: why$/,
      8,
    ],
    [
      "what the callers' records did not show, said once",
      { historyChecks: [check(CheckVerdict.NOT_JUDGED, "U7"), check(CheckVerdict.NOT_JUDGED, "U7")] },
      /^U7 was not judged: why$/,
      8,
    ],
    [
      "stores that could not be checked",
      { notAudited: "the audit may not read this Redis: its user x lacks +hscan" },
      /^both stores could not be checked: .* lacks \+hscan$/,
      11,
    ],
    ["coupons left", { issued: 99 }, /^99 issued instead of 100$/, 8],
    ["fewer users than coupons", { issued: 60, plan: { ...plan, users: 60 } }, undefined, 0],
    ["somebody without an answer", { press: { ...press, unanswered: 2 } }, /^2 presses had no/, 8],
    ["never opened", { openingLateMs: undefined }, /^it did not open$/, 8],
    ["opened late", { openingLateMs: 1_001 }, /^it opened 1,001 ms late$/, 8],
    ["opened within the second", { openingLateMs: 1_000 }, undefined, 0],
    ["amber before", { preflight: { ...red, colour: PreflightColour.AMBER } }, undefined, 0],
    ["only red before", { preflight: red }, /^preflight was red$/, 10],
  ];
  for (const [what, more, reason, exit] of cases) {
    it(`${what}: exit code ${exit}`, () => {
      const told = facts(more);
      const reasons = reasonsAgainst(told);
      if (reason === undefined) expect(reasons).to.deep.equal([]);
      else expect(reasons.join()).to.match(reason);
      expect(exitCodeFor(told, reasons)).to.equal(exit);
      const text = reportText(output, told, reasons, "UTC");
      expect(text).to.contain(reason === undefined ? "rehearsal: GOOD" : "rehearsal: NOT GOOD\n  ! ");
    });
  }

  const amber = create(PreflightLineSchema, { check: "clocks", colour: PreflightColour.AMBER });
  const remarkable: [what: string, more: Partial<RehearsalFacts>, remark: RegExp | undefined][] = [
    ["nothing", {}, undefined],
    ["p99 of one second", { press: { ...press, latencyMs: { p50: 1, p99: 1_000, max: 2_000 } } }, undefined],
    [
      "a longer one",
      { press: { ...press, latencyMs: { p50: 1, p99: 1_250, max: 2_000 } } },
      /^p99 is 1,250 ms/,
    ],
    [
      "nobody too early",
      { press: { ...press, refusals: { SOLD_OUT: 20 } } },
      /^no press reached the service before the start/,
    ],
    [
      "amber",
      { preflight: { colour: PreflightColour.AMBER, lines: [amber] } },
      /^preflight was amber: clocks$/,
    ],
  ];
  for (const [what, more, remark] of remarkable) {
    it(`what was remarkable, ${what}, changes no exit code`, () => {
      const told = facts(more);
      const [reasons, remarks] = [reasonsAgainst(told), remarksOn(told)];
      expect([reasons, exitCodeFor(told, reasons)]).to.deep.equal([[], 0]);
      const text = reportText(output, told, reasons, "UTC");
      if (remark === undefined) {
        expect(remarks).to.deep.equal([]);
        expect(text).not.to.contain("worth a thought");
      } else {
        expect(remarks).to.have.length(1);
        expect(remarks[0]).to.match(remark);
        expect(text).to.contain(`worth a thought before the launch\n  - ${remarks[0]}\nrehearsal: `);
      }
      expect(text, "good is said plainly, and last").to.match(/\nrehearsal: GOOD\n$/);
    });
  }

  it("red before and something else: the something else decides", () => {
    const told = facts({ preflight: red, issued: 1 });
    const reasons = reasonsAgainst(told);
    expect([reasons.length, exitCodeFor(told, reasons)]).to.deep.equal([2, 8]);
  });

  it("says what was measured, which lines were not green, and when this machine was too slow to tell", () => {
    const line = { check: "clocks", colour: PreflightColour.AMBER, finding: "found", advice: "do" };
    const lines = [
      create(PreflightLineSchema, { ...line, check: "pool", colour: PreflightColour.GREEN }),
      create(PreflightLineSchema, line),
    ];
    const told = facts({
      preflight: { colour: PreflightColour.AMBER, lines },
      press: { ...press, ownLagMs: 400, latencyMs: { p50: Number.NaN, p99: 9, max: 12 } },
    });
    const text = reportText(output, told, [], "UTC");
    expect(text).to.match(/latency +p50 - ms, p99 9\.0 ms, worst 12\.0 ms from the due time/);
    expect(text).to.match(/1 of 2 lines green\n +AMBER {2}clocks +found\n +→ do\n/);
    expect(text).not.to.contain("pool");
    expect(text).to.match(/too slow to press in time/);
    expect(text).to.match(/SOLD_OUT 20/);
    expect(reportText(output, facts(), [], "UTC")).not.to.match(/too slow/);
  });
});

describe("cli rehearse", () => {
  let service: StandIn;
  const asked: unknown[] = [];

  before(async () => {
    service = await startStandIn({
      campaigns: {
        getCampaign: () => ({ campaign: campaign({ total: 100_000 }) }),
        listCampaigns: () => ({ campaigns: [] }),
        createRehearsal: (request) => {
          asked.push(request);
          return {};
        },
      },
    });
  });
  after(() => service.close());

  const run = (...args: string[]) => runCli(["rehearse", ...args], { url: service.url });
  const id = campaign({}).id;

  it("--dry-run says what would be sent, with more time where more codes are to be made", async () => {
    const beganMs = Date.now();
    const { code, stdout } = await run(
      id,
      "--dry-run",
      "--json",
      "--rate",
      "1000",
      "--users",
      "1000",
      "--seed",
      "7",
    );
    const endedMs = Date.now();
    expect(code).to.equal(0);
    const { method, request, plan } = JSON.parse(stdout);
    expect(method).to.equal("coupon.v1.CampaignService/CreateRehearsal");
    expect(request).to.include({ campaignId: id, total: 100_000 });
    expect(plan).to.deep.equal({ users: 1_000, presses: 1_500, pressesPerSecond: 1_000, seed: 7 });
    const inWords = (await run(id, "--dry-run", "--users", "1001")).stdout;
    expect(inWords)
      .to.match(/\n {2}users +1001\n/)
      .and.match(/\n {2}presses +1501\n/)
      .and.match(/\n {2}pressesPerSecond +1000\n/);
    // In ms: 15 s and 1 s for each 10,000 codes, the presses of 1,000 users, and ten minutes.
    expect(Number(request.lifetimeMs)).to.equal(25_000 + 1_500 + 600_000);
    expect(Date.parse(request.startsAt) - 25_000).to.be.within(beganMs - 1, endedMs + 100);
    expect(asked).to.deep.equal([]);
  });

  for (const [args, words] of [
    [[], /which campaign\?/],
    [[id, "--rate", "0"], /--rate/],
    [[id, "--rate", "5001"], /--rate/],
    [[id, "--users", "200001"], /--users/],
    [[id, "--total", "0"], /--total/],
    [[id, "--in", "3601"], /--in/],
    [[id, "--in", "2"], /--in/],
    [[id, "--seed", "-1"], /--seed/],
  ] satisfies [string[], RegExp][]) {
    it(`refuses ${args.slice(1).join(" ") || "no campaign"}`, async () => {
      const { code, stderr } = await run(...args);
      expect(code).to.equal(2);
      expect(stderr).to.match(words);
      expect(asked).to.deep.equal([]);
    });
  }
});
