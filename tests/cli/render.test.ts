import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import fc from "fast-check";
import { barText, plainWatchLine, watchLine } from "../../cli/bar.ts";
import { campaignFacts, countdown, instantText, isOver, printable, stateName } from "../../cli/render.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { WatchCampaignResponseSchema } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { grouped } from "../../runtime/counting.ts";
import { campaign, startMs } from "../support/stand-in.ts";

/** Reads a countdown back, in milliseconds. */
function readCountdown(text: string): number {
  const short = /^(\d\.\d)s$/.exec(text);
  if (short !== null) return Math.round(Number(short[1]) * 1000);
  const match = /^(?:(\d+)d )?(\d\d):(\d\d):(\d\d)$/.exec(text);
  if (match === null) throw new Error(`not a countdown: ${text}`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((digits) => Number(digits ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

describe("cli rendering", () => {
  const countdowns: [leftMs: number, text: string][] = [
    [-1, "0.0s"],
    [0, "0.0s"],
    [1, "0.1s"],
    [9_900, "9.9s"],
    [9_901, "00:00:10"],
    [10_000, "00:00:10"],
    [59_999, "00:01:00"],
    [90_000, "00:01:30"],
    [86_399_001, "1d 00:00:00"],
    [183_845_000, "2d 03:04:05"],
  ];
  for (const [leftMs, text] of countdowns) {
    it(`counts ${leftMs} ms down as ${text}`, () => {
      expect(countdown(leftMs)).to.equal(text);
    });
  }

  it("a countdown is never too short, and too long by less than a second", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 * 86_400_000 }), (leftMs) => {
        expect(readCountdown(countdown(leftMs)) - leftMs).to.be.within(0, 999);
      }),
    );
  });

  it("shows an instant on the wall clock and in UTC", () => {
    expect(instantText(startMs, "Asia/Seoul")).to.equal(
      "2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24T11:00:00.000Z",
    );
    expect(instantText(startMs, "UTC")).to.equal("2026-12-24T11:00:00.000Z");
  });

  it("groups thousands", () => {
    expect([0, 999, 1000, 5_000_000].map(grouped)).to.deep.equal(["0", "999", "1,000", "5,000,000"]);
  });

  it("text from the service cannot steer the terminal", () => {
    expect(printable("\x1b[2Jgone\u202e가")).to.equal("\\u001b[2Jgone\\u202e가");
    expect(printable("a\u200bb\u200fc\ufeffd\u3164e\u{e0041}")).to.equal(
      "a\\u200bb\\u200fc\\ufeffd\\u3164e\\udb40\\udc41",
    );
    expect(printable("👨‍👩‍👧 ❤️ 1️⃣ 한글")).to.equal("👨‍👩‍👧 ❤️ 1️⃣ 한글");
    expect(printable("a\u200db 1\ufe0f")).to.equal("a\\u200db 1\\ufe0f");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.to.match(/\p{Cc}/u);
      }),
    );
  });

  it("names every state, and knows which are the last", () => {
    const over = Object.entries(CampaignState).filter(([, state]) => isOver(state));
    expect(over.map(([name]) => name)).to.deep.equal(["SOLD_OUT", "ENDED", "CANCELLED"]);
    expect(stateName(CampaignState.SOLD_OUT)).to.equal("SOLD_OUT");
    expect(stateName(42)).to.equal("CAMPAIGN_STATE_42");
  });

  it("a bar is empty only at nothing, full only at everything, and always as wide", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (total, share) => {
          const value = Math.floor(total * share);
          const bar = barText(value, total);
          expect(bar).to.have.length(24);
          expect(bar.includes("█")).to.equal(value > 0);
          expect(bar.includes("░")).to.equal(value < total);
        },
      ),
    );
  });

  it("the countdown goes on with the server's clock between messages", () => {
    const message = create(WatchCampaignResponseSchema, {
      campaign: campaign(),
      remaining: 1000,
      serverTime: timestampFromMs(startMs - 90_000),
    });
    expect(watchLine(message, 0)).to.match(/opens in 00:01:30$/);
    expect(watchLine(message, 85_000)).to.match(/opens in 5\.0s$/);
    expect(watchLine(message, 95_000)).to.match(/opening$/);
    expect(plainWatchLine(message)).to.equal(
      "2026-12-24T10:58:30.000Z  SCHEDULED  0/1,000 issued  opens in 00:01:30",
    );
  });

  it("on a narrow terminal the drawing shrinks, then words go; the state and the countdown are never cut", () => {
    const traffic = {
      p50Ms: 12.3,
      p99Ms: 123.4,
      outcomes: [{ outcome: "sold_out", perSecond: 12_345 }],
    };
    const states = [
      { state: CampaignState.GENERATING, generated: 1_234_567 },
      { state: CampaignState.SCHEDULED },
      { state: CampaignState.PAUSED },
      { state: CampaignState.OPEN, issued: 1_234_567, openedAt: timestampFromMs(startMs) },
      { state: CampaignState.PAUSED, issued: 1_234_567, openedAt: timestampFromMs(startMs) },
    ];
    for (const of of states) {
      const message = create(WatchCampaignResponseSchema, {
        campaign: campaign({ ...of, total: 5_000_000, endsAt: timestampFromMs(startMs + 7_200_000) }),
        ...{ remaining: 3_765_433, issuedPerSecond: 23_456, ledgerDepth: 12_345, traffic },
        serverTime: timestampFromMs(startMs - 183_845_000),
      });
      const whole = watchLine(message, 0);
      const clock = /(opens in|would open in|ends in) 2d (03:04|05:04):05/;
      for (let columns = 60; columns <= 200; columns++) {
        const line = watchLine(message, 0, columns);
        expect(line.length).to.be.at.most(columns);
        expect(line).to.match(clock);
        expect(line.startsWith(`${stateName(of.state)}  `)).to.equal(true);
        if (columns >= whole.length) expect(line).to.equal(whole);
      }
      expect(watchLine(message, 0, 80)).to.match(/ (0|1,234,567)\/5,000,000 /);
    }
  });

  it("what is held before its opening is said not to open", () => {
    const held = campaign({ state: CampaignState.PAUSED, endsAt: timestampFromMs(startMs + 60_000) });
    const at = (serverMs: number) =>
      plainWatchLine(
        create(WatchCampaignResponseSchema, { campaign: held, serverTime: timestampFromMs(serverMs) }),
      );
    expect(at(startMs - 90_000)).to.match(
      /PAUSED {2}0\/1,000 issued {2}would open in 00:01:30 if it were resumed$/,
    );
    expect(at(startMs + 1)).to.match(/opens as soon as it is resumed$/);
    const starts = (serverMs: number | undefined, shown = held) =>
      new Map(campaignFacts(shown, { zone: "UTC", serverMs })).get("starts");
    expect(starts(startMs - 90_000)).to.match(/Z, would open in 00:01:30 if it were resumed$/);
    expect(starts(startMs)).to.match(/Z, opens as soon as it is resumed$/);
    expect(starts(undefined)).to.match(/Z, but does not open unless it is resumed$/);
    const opened = campaign({ state: CampaignState.PAUSED, openedAt: timestampFromMs(startMs) });
    expect(starts(startMs + 1, opened)).to.match(/Z$/);
  });

  it("a campaign that will forget its users says so, and when; another says nothing of it", () => {
    const users = (forgetUsersAfterDays: number) =>
      new Map(campaignFacts(campaign({ forgetUsersAfterDays }), { zone: "UTC", serverMs: startMs })).get(
        "users",
      );
    expect([users(30), users(1), users(0)]).to.deep.equal([
      "erased 30 days after it is over",
      "erased 1 day after it is over",
      undefined,
    ]);
  });

  it("an open campaign shows counts, rate, what is being recorded and its end", () => {
    const message = create(WatchCampaignResponseSchema, {
      campaign: campaign({
        state: CampaignState.OPEN,
        issued: 400,
        endsAt: timestampFromMs(startMs + 60_000),
      }),
      remaining: 600,
      issuedPerSecond: 1234.4,
      ledgerDepth: 7,
      serverTime: timestampFromMs(startMs),
    });
    expect(plainWatchLine(message)).to.equal(
      "2026-12-24T11:00:00.000Z  OPEN  400/1,000 issued  600 left  1,234/s  7 being recorded  ends in 00:01:00",
    );
  });
});
