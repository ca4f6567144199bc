import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { PreflightColour } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, campaignId, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";

const { GREEN, AMBER, RED } = PreflightColour;

describe("cli preflight", () => {
  let service: StandIn;
  let colours: readonly PreflightColour[];

  before(async () => {
    service = await startStandIn({
      campaigns: {
        preflightCampaign: () => ({
          campaign: campaign(),
          colour: Math.max(...colours) as PreflightColour,
          lines: colours.map((colour, i) => ({
            check: ["pool", "redis-durability", "clocks"][i] ?? "",
            colour,
            finding: `found ${i}\x1b[31m`,
            advice: colour === GREEN ? "" : `do ${i}`,
          })),
          serverTime: timestampFromMs(startMs - 90_000),
        }),
      },
    });
  });
  after(() => service.close());

  const look = (...given: PreflightColour[]) => {
    colours = given;
    return runHere(["preflight", campaignId], { url: service.url });
  };

  it("all green exits with 0 and shows every line with its figures", async () => {
    const { code, stdout, stderr } = await look(GREEN, GREEN, GREEN);
    expect([code, stderr]).to.deep.equal([0, ""]);
    expect(stdout.split("\n")).to.deep.equal([
      `${campaignId}  SCHEDULED  opens in 00:01:30  크리스마스`,
      "  GREEN  pool              found 0\\u001b[31m",
      "  GREEN  redis-durability  found 1\\u001b[31m",
      "  GREEN  clocks            found 2\\u001b[31m",
      "",
    ]);
  });

  it("amber exits with 9, red with 10, with what to do below the line", async () => {
    const amber = await look(GREEN, AMBER, GREEN);
    expect([amber.code, amber.stderr]).to.deep.equal([
      9,
      "coupon: preflight is amber: 0 red, 1 amber; it will open; look at the amber lines\n",
    ]);
    const red = await look(GREEN, AMBER, RED);
    expect(red.code).to.equal(10);
    expect(red.stderr).to.match(/^coupon: preflight is red: 1 red, 1 amber; /);
    expect(red.stdout).to.include(`  RED    clocks            found 2\\u001b[31m\n${" ".repeat(27)}→ do 2\n`);
  });

  it("a colour that this build does not know is never taken for green", async () => {
    const { code, stdout } = await look(GREEN, 7 as PreflightColour);
    expect(code).to.equal(10);
    expect(stdout).to.include("  PREFLIGHT_COLOUR_7  redis-durability");
  });

  it("--json gives the answer as it came, with the same exit code", async () => {
    colours = [RED, GREEN];
    const { code, stdout } = await runHere(["preflight", campaignId, "--json"], { url: service.url });
    expect(code).to.equal(10);
    const [answer] = readJsonLines(stdout);
    expect(answer).to.include({ colour: "PREFLIGHT_COLOUR_RED" });
    expect(answer).to.have.nested.property("lines[1].advice", "");
  });
});
