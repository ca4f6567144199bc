import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { chartSvg } from "../../cli/chart.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { GetCampaignStatsRequest } from "../../proto/gen/coupon/v1/stats_pb.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, campaignId, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";

describe("cli stats", () => {
  let service: StandIn;
  let folder: string;
  let requests: GetCampaignStatsRequest[] = [];
  const lateMs = 3 * 3_600_000;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "coupon-stats-"));
    service = await startStandIn({
      campaigns: {
        getCampaignStats(request) {
          requests.push(request);
          const grown = { issued: 1000, total: 1500, state: CampaignState.OPEN };
          if (request.campaignId === "LATE")
            return {
              ...{ campaign: campaign({ id: "LATE", issued: 20 }), bucketMs: 300_000, peakPerSecond: 9 },
              ...{ firstBucketMs: BigInt(lateMs), issuedPerBucket: [5, 15] },
              peakAt: timestampFromMs(startMs + lateMs + 12_000),
              firstIssuedAt: timestampFromMs(startMs + lateMs + 500),
              lastIssuedAt: timestampFromMs(startMs + lateMs + 400_000),
            };
          if (request.campaignId !== campaignId)
            return { campaign: campaign({ id: request.campaignId, ...grown }), bucketMs: 1000 };
          return {
            campaign: campaign({
              name: 'A & B <"sale">',
              state: CampaignState.SOLD_OUT,
              issued: 1000,
              openedAt: timestampFromMs(startMs + 3),
            }),
            issuedPerBucket: [600, 0, 390],
            bucketMs: 1000,
            peakPerSecond: 600,
            peakAt: timestampFromMs(startMs),
            issuedLater: 10,
            firstIssuedAt: timestampFromMs(startMs + 9),
            lastIssuedAt: timestampFromMs(startMs + 61_500),
          };
        },
        listHistory(request) {
          if (request.campaignId !== "GROWN") throw new ConnectError("not now", Code.Unavailable);
          const state = { before: { total: 1000 }, after: { total: 1000 } };
          return {
            entries: [
              { verb: "added", at: timestampFromMs(startMs + 90_000) },
              { verb: "sell-out", at: timestampFromMs(startMs + 17_340), ...state },
              { verb: "open", at: timestampFromMs(startMs) },
            ],
          };
        },
      },
    });
  });
  beforeEach(() => {
    requests = [];
  });
  after(async () => {
    await service.close();
    await rm(folder, { recursive: true });
  });

  const run = (...args: string[]) => runHere(["stats", campaignId, ...args], { url: service.url });

  it("tells lateness, sell-out and a bar a bucket", async () => {
    const { code, stdout } = await run();
    expect(code).to.equal(0);
    expect(stdout).to.match(/opened +3 ms after the start\n/);
    expect(stdout).to.match(/first coupon +9 ms after the start\n/);
    expect(stdout).to.match(/sold out +61,500 ms after the start\n/);
    expect(stdout).to.match(/fastest +600 in one second, 0 s after the start/);
    expect(requests[0]).to.include({ bucketMs: 0, buckets: 0 });
    expect(stdout).to.match(/\+0 s +█{24} 600\n +\+1 s +░{24} 0\n +\+2 s .* 390\n +later +10\n/);
  });

  it("a sale long after its start: the bars say when, the chart counts what is no rate", async () => {
    const file = join(folder, "late.svg");
    const { code, stdout } = await runHere(["stats", "LATE", "--svg", file], { url: service.url });
    expect(code).to.equal(0);
    expect(stdout).to.match(/first coupon +3 h 0\.5 s after the start\n/);
    expect(stdout).to.match(/fastest +9 in one second, 3 h 12 s after the start\n/);
    expect(stdout).to.match(/\n +\+3 h {2}█{8}░{16} 5\n +\+3 h 5 min {2}█{24} 15\n$/);
    const svg = await readFile(file, "utf8");
    expect(svg).to.include(">coupons in 5 min<").and.include("+3 h 5 min: 15<");
  });

  it("sold out before coupons were added: says so, where the history can be read", async () => {
    const grown = await runHere(["stats", "GROWN"], { url: service.url });
    expect(grown.stdout).to.match(
      /sold out +not since 500 were added; with 1,000 about 17\.3 s after the start\n/,
    );
    const unread = await runHere(["stats", "UNREAD"], { url: service.url });
    expect([unread.code, unread.stdout]).to.satisfy(
      ([code, text]: [number, string]) => code === 0 && /sold out +not yet\n/.test(text),
    );
  });

  it("the labels of the chart stand apart", () => {
    const svg = chartSvg({
      ...{ title: "T", subtitle: "S", yLabel: "Y", xLabel: "X", values: [4], xAt: () => "at" },
    });
    const baseline = (text: string) => Number(new RegExp(`y="(\\d+)"[^>]*>${text}<`).exec(svg)?.[1]);
    const tops = Number(/text x="72" y="([\d.]+)"[^>]*>4</.exec(svg)?.[1]);
    // At a font size of 12 units each label needs a line of its own.
    expect(baseline("S") - baseline("T")).to.be.at.least(14);
    expect(baseline("Y") - baseline("S")).to.be.at.least(14);
    expect(tops - baseline("Y")).to.be.at.least(12);
  });

  it("--json has the facts as numbers; --svg writes a chart without anything that could run", async () => {
    const file = join(folder, "chart.svg");
    const { stdout } = await run("--json", "--svg", file, "--bucket", "100", "--seconds", "10");
    expect(JSON.parse(stdout)).to.include({ openingLateMs: 3, firstCouponLateMs: 9, soldOutAfterMs: 61_500 });
    expect(requests[0]).to.include({ bucketMs: 100, buckets: 100 });
    const svg = await readFile(file, "utf8");
    expect(svg).to.include("A &amp; B &lt;&quot;sale&quot;&gt;: 1,000 of 1,000 coupons");
    expect(svg.match(/<rect /g)).to.have.length(3);
  });

  it("--history adds fairness", async () => {
    const file = join(folder, "history.jsonl");
    const line = (claimKey: string, askedMs: number, seq: number) =>
      JSON.stringify({
        ...{ claimKey, invokedAtMs: startMs + askedMs, answeredAtMs: startMs + askedMs + 5 },
        outcome: { kind: "issued", code: `c${seq}`, seq, issuedAtMs: startMs + seq, replayed: false },
      });
    await writeFile(file, [line("a", 1, 2), line("b", 2, 1), line("c", 3, 3)].join("\n"));
    const { stdout } = await run("--history", file);
    expect(stdout).to.match(/inversions +1 of 3 pairs .*33\.333 %/);
    const told = JSON.parse((await run("--history", file, "--json")).stdout);
    expect(told.fairness).to.include({ inversions: 1, holders: 3 });
  });

  it("refuses what it cannot draw, and a history that is none", async () => {
    const many = await run("--bucket", "10", "--seconds", "60");
    expect(many.code).to.equal(2);
    expect(many.stderr).to.match(/--bucket 60 or more/);
    const file = join(folder, "broken.jsonl");
    await writeFile(file, '{"claimKey":1}\n{}\n');
    const broken = await run("--history", file);
    expect(broken.code).to.equal(2);
    expect(broken.stderr).to.match(/line 1 is not a history entry/);
    expect((await run("--svg", "/nowhere/x.svg")).stderr).to.match(/cannot write .*ENOENT/);
  });

  it("draws nothing, one bar and huge ones within the picture", () => {
    for (const values of [[], [1], [0, 0], [3, 5_000_000]]) {
      const svg = chartSvg({
        ...{ title: "t\u0000", subtitle: "", yLabel: "", xLabel: "", values },
        xAt: (bar) => `+${bar}`,
      });
      for (const [, y = "", height = ""] of svg.matchAll(/<rect [^>]*y="([^"]+)"[^>]*height="([^"]+)"/g)) {
        expect(Number(y)).to.be.within(63, 364);
        expect(Number(y) + Number(height)).to.be.closeTo(364, 0.05);
      }
      expect(svg).not.to.match(/NaN|Infinity|\0/);
    }
  });
});
