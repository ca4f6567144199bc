import { stripVTControlCharacters } from "node:util";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import fc from "fast-check";
import { cellsOf } from "../../../cli/console/cells.ts";
import { type Model, withBreak } from "../../../cli/console/model.ts";
import { type Size, screenLines } from "../../../cli/console/screen.ts";
import { stateName } from "../../../cli/render.ts";
import { CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { PreflightColour } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { EventLevel } from "../../../proto/gen/coupon/v1/watch_pb.ts";
import { startMs } from "../../support/stand-in.ts";
import { empty, message, modelAfter, told, watchedProcess } from "./shown-model.ts";

const { GENERATING, SCHEDULED, OPEN, PAUSED, SOLD_OUT, ENDED, CANCELLED } = CampaignState;
const { GREEN, AMBER, RED } = PreflightColour;
const small: Size = { width: 80, height: 24, colour: false, unicode: true };
const wide: Size = { width: 120, height: 34, colour: false, unicode: true };

const scheduled = message({ campaign: { state: SCHEDULED }, sinceStartMs: -90_000 });
const openedAt = timestampFromMs(startMs + 2);
const outcomes = [
  { outcome: "issued", perSecond: 801.4, total: 640n },
  { outcome: "not_started", perSecond: 198.6, total: 30_500n },
];
const open = (issued: number, issuedPerSecond: number) =>
  message({
    campaign: { state: OPEN, issued, openedAt },
    sinceStartMs: 12_345,
    message: {
      issuedPerSecond,
      ledgerDepth: 12,
      traffic: { answersPerSecond: 1_000, outcomes, p50Ms: 2.34, p99Ms: 14.6 },
      // Each event is sent once.
      events:
        issued < 640
          ? []
          : [
              told(-60_000, "preflight 1 min 0 s before the start: amber servers", EventLevel.WARNING),
              told(2, "SCHEDULED → OPEN"),
              told(9_000, "seoul-1/4712 (server) is silent", EventLevel.ALARM),
            ],
      processes: [watchedProcess(4711), watchedProcess(4712, { silentMs: 6_500n, roles: ["server"] })],
    },
  });
const during = modelAfter(open(0, 0), open(100, 100), open(500, 400), open(640, 800));

const text = (model: Model, size: Size = small, nowMs = 0) => screenLines(model, nowMs, size).join("\n");
const line = (model: Model, start: string, size: Size = small, nowMs = 0) =>
  screenLines(model, nowMs, size).find((one) => one.startsWith(start));
const second = (campaign: Parameters<typeof message>[0], nowMs = 0) =>
  screenLines(modelAfter(message(campaign)), nowMs, small)[1]?.replace(/ +01JSTANDIN.*/, "");

describe("console screen", () => {
  it("in the middle of a launch, on 80 by 24 without colour", () => {
    expect(screenLines(during, 1_000, small)).to.deep.equal([
      "크리스마스                                                        OPEN  20:00:13",
      "open for 00:00:14, no end                             01JSTANDIN0000000000000000",
      "",
      "issued    ████████████████████████░░░░░░░░░░░░░░░ 640 of 1,000  64.0 %  360 left",
      "rate                                                       ▁▄█ 800/s  peak 800/s",
      "latency   p50 2.3 ms   p99 15 ms   ledger 12",
      "answers   issued 801/s (640)   not started 199/s (30,500)",
      "",
      "process              roles                  clock to Redis     tick    heard",
      "seoul-1/4712         serve                   -0.4 ± 1.2 ms        -   ! 6.5s",
      "seoul-1/4711         serve sched gen         -0.4 ± 1.2 ms     0.9s     0.4s",
      "",
      "events",
      "19:59:00 !  preflight 1 min 0 s before the start: amber servers",
      "20:00:00    SCHEDULED → OPEN",
      "20:00:09 !! seoul-1/4712 (server) is silent",
      ...Array(7).fill(""),
      "connected to http://127.0.0.1:8080                                      q leaves",
    ]);
  });

  it("on a tall screen the rate has rows of its own, and its scale", () => {
    const lines = screenLines(during, 1_000, wide);
    expect(lines.slice(4, 12)).to.deep.equal([
      "rate      800/s  peak 800/s",
      `800/s     ${" ".repeat(109)}█`,
      ...Array(2).fill(`          ${" ".repeat(109)}█`),
      `          ${" ".repeat(108)}▄█`,
      ...Array(2).fill(`          ${" ".repeat(108)}██`),
      `          ${" ".repeat(107)}▇██`,
    ]);
    expect(lines).to.have.length(34);
  });

  it("a long event goes over the free lines, and gives them back when they are needed", () => {
    const words =
      "preflight 44.8 s before the start: amber codes, amber pool, amber fence, amber generation, amber servers";
    const events = [{ atMs: startMs, level: EventLevel.WARNING, text: words }];
    const last = (count: number): Model => ({
      ...during,
      events: [...events, ...Array(count).fill({ atMs: startMs, level: EventLevel.INFO, text: "news" })],
    });
    expect(screenLines(last(0), 0, small).slice(13, 16)).to.deep.equal([
      "20:00:00 !  preflight 44.8 s before the start: amber codes, amber pool, amber",
      "            fence, amber generation, amber servers",
      "",
    ]);
    expect(screenLines(last(9), 0, small).slice(13, 15)).to.deep.equal([
      "20:00:00 !  preflight 44.8 s before the start: amber codes, amber pool, amber f…",
      "20:00:00    news",
    ]);
  });

  it("before the opening: the countdown on the server's clock, and the preflight", () => {
    const model: Model = {
      ...modelAfter(scheduled),
      readiness: {
        askedMs: -4_000,
        colour: RED,
        lines: [
          { check: "pool", colour: GREEN, finding: "fine", advice: "" },
          { check: "servers", colour: AMBER, finding: "only one", advice: "start another" },
          { check: "redis-durability", colour: RED, finding: "appendonly no", advice: "set it" },
        ] as never,
      },
    };
    const lines = screenLines(model, 500, small);
    expect(lines[1]).to.equal(
      "opens in 00:01:30  at 2026-12-24 20:00:00.000+09:00   01JSTANDIN0000000000000000",
    );
    expect(lines.slice(4, 8)).to.deep.equal([
      "answers   none yet",
      "preflight RED  1 of 3 checks are green, 5 s ago",
      "          RED redis-durability: appendonly no → set it",
      "          AMBER servers: only one → start another",
    ]);
    expect(lines.at(-1)).to.match(/p preflight {2}q leaves$/);
    expect(text(modelAfter(scheduled))).to.include("preflight is being made");
    const failed: Model = { ...model, readiness: { askedMs: 0, failed: "Unimplemented" } };
    expect(text(failed)).to.include("preflight not known: the call failed 0 s ago (Unimplemented)");
    const flat = screenLines(model, 0, { ...small, height: 12 });
    expect(flat.filter((one) => one.includes("coupon preflight shows them"))).to.have.length(1);
    const finding = "1 alive: seoul-1/4711, and only that one in this whole place";
    const advice = "start a second one: if this one fails, callers wait until it is back";
    const long = [{ check: "servers", colour: AMBER, finding, advice }] as never;
    const wordy: Model = { ...model, readiness: { askedMs: 0, colour: AMBER, lines: long } };
    expect(screenLines(wordy, 0, small).slice(6, 9)).to.deep.equal([
      "          AMBER servers: 1 alive: seoul-1/4711, and only that one in this whole",
      "          place → start a second one: if this one fails, callers wait until it",
      "          is back",
    ]);
    // Without room for a further line, the advice is cut with "…" as before.
    expect(text(wordy, { ...small, height: 11 })).to.match(/that one in this whole…\n/);
    // Once the campaign is open, the preflight is not shown any more.
    expect(text({ ...during, readiness: model.readiness })).not.to.include("preflight RED");
  });

  it("the countdown goes on between messages and follows a start that is moved", () => {
    const model = modelAfter(scheduled);
    expect(line(model, "opens in", small, 30_000)).to.match(/^opens in 00:01:00 /);
    const moved = message({
      campaign: { state: SCHEDULED, startsAt: timestampFromMs(startMs + 3_600_000) },
      sinceStartMs: -89_000,
    });
    expect(line(modelAfter(scheduled, moved), "opens in")).to.match(
      /^opens in 01:01:29 {2}at 2026-12-24 21:00:00/,
    );
  });

  const moments: [name: string, given: Parameters<typeof message>[0], says: string][] = [
    [
      "codes being made",
      { campaign: { state: GENERATING }, sinceStartMs: -9_900 },
      "opens in 9.9s  at 2026-12-24 20:00:00.000+09:00",
    ],
    [
      "codes being made too late",
      { campaign: { state: GENERATING } },
      "the start has passed: opens when its codes are made",
    ],
    ["the very moment", { campaign: { state: SCHEDULED } }, "the start has come: it is about to open"],
    [
      "open with an end",
      { campaign: { state: OPEN, openedAt, endsAt: timestampFromMs(startMs + 60_000) }, sinceStartMs: 5_002 },
      "open for 5.0s, ends in 00:00:55",
    ],
    [
      "paused before the start",
      { campaign: { state: PAUSED }, sinceStartMs: -9_000 },
      "paused: would open in 9.0s if it were resumed",
    ],
    [
      "paused over the start",
      { campaign: { state: PAUSED }, sinceStartMs: 1 },
      "paused: opens as soon as it is resumed",
    ],
    [
      "paused while open",
      { campaign: { state: PAUSED, openedAt }, sinceStartMs: 9_000 },
      "paused: no coupon is issued until it is resumed",
    ],
    [
      "sold out",
      { campaign: { state: SOLD_OUT, openedAt, issued: 1_000 } },
      "all coupons are gone, opened 2026-12-24 20:00:00.002",
    ],
    ["ended", { campaign: { state: ENDED, openedAt } }, "over, opened 2026-12-24 20:00:00.002"],
    ["cancelled before it opened", { campaign: { state: CANCELLED } }, "over"],
  ];
  for (const [name, given, says] of moments) {
    it(`${name}: ${says}`, () => expect(second(given)).to.equal(says));
  }

  it("codes being made are counted, and added coupons are announced", () => {
    const making = modelAfter(
      message({ campaign: { state: GENERATING, generated: 250 }, sinceStartMs: -9_000 }),
    );
    expect(line(making, "codes ")).to.match(/ 250 of 1,000 {2}25\.0 %/);
    const adding = modelAfter(message({ campaign: { state: SOLD_OUT, issued: 1_000, adding: 500 } }));
    expect(line(adding, "issued")).to.match(/1,000 of 1,000 {2}100\.0 % {2}0 left \+500 coming$/);
  });

  it("a lost server is said at the bottom, and the state says how old it is", () => {
    const lost = withBreak(during, { why: "no service at the URL", again: "again in 0.9 s" }, 500);
    const lines = screenLines(lost, 7_000, small);
    expect(lines[0]).to.match(/OPEN 7 s ago {2}20:00:19$/);
    expect(lines.at(-1)).to.match(/^! not connected: no service at the URL, again in 0.9 s +q leaves$/);
    expect(lines).to.include("20:00:12 !  connection lost: no service at the URL");
    expect(screenLines(during, 4_000, small).at(-1)).to.match(/^! no message for 4 s from http/);
    expect(screenLines(during, 2_000, small).at(-1)).to.match(/^connected to/);
  });

  it("stores that do not answer", () => {
    const model = modelAfter({ ...message({ message: { processes: [] } }), traffic: undefined });
    expect(text(model)).to.include("answers   not known: MongoDB does not answer").and.not.include("process");
    const nobody = modelAfter(message({ message: { processes: [] } }));
    expect(text(nobody)).to.include("no server, scheduler or generator sends heartbeats");
  });

  it("who is in trouble is seen, however many there are", () => {
    const many = Array.from({ length: 30 }, (_, i) => watchedProcess(100 + i));
    many.push(watchedProcess(200, { clockOffsetMs: 80 }), watchedProcess(201, { tickAgeMs: 20_000n }));
    const lines = screenLines(modelAfter(message({ message: { processes: many } })), 0, small);
    const first = lines.findIndex((one) => one.startsWith("process")) + 1;
    expect(lines[first]).to.match(/^seoul-1\/200 .* \+80\.0 ± 1\.2 ms/);
    expect(lines[first + 1]).to.match(/^seoul-1\/201 .* 20\.0s/);
    expect(lines.find((one) => one.startsWith("and "))).to.match(/^and \d\d more$/);
  });

  it("shows the version of each process while a roll-out is under way, and only then", () => {
    const rows = (...versions: readonly string[]) => {
      const processes = versions.map((version, i) => watchedProcess(100 + i, { version }));
      const lines = screenLines(modelAfter(message({ message: { processes } })), 0, wide);
      const heading = lines.findIndex((one) => one.startsWith("process"));
      return lines.slice(heading, heading + 3);
    };
    const [heading, old, fresh] = rows("0.1.0", "0.2.0+1f3a9c2d");
    expect(heading).to.match(/roles +version +clock to Redis/);
    expect(old).to.match(/sched gen +0\.1\.0 /);
    expect(fresh).to.match(/sched gen +0\.2\.0\+1f3a9c2d /);
    expect(rows("0.2.0", "0.2.0").join()).not.to.match(/version|0\.2\.0/);
  });

  it("before anything has come it says what it waits for", () => {
    expect(screenLines(empty, 0, small)[0]).to.equal(
      "waiting for http://127.0.0.1:8080 to send 01JSTANDIN0000000000000000",
    );
  });

  it("a long Hangul name is clipped by its width and leaves state and time alone", () => {
    const name = "가나다라마바사아자차".repeat(10);
    const first = screenLines(modelAfter(message({ campaign: { name, state: OPEN } })), 0, small)[0] ?? "";
    expect(cellsOf(first)).to.equal(80);
    expect(first).to.match(/^(가나다라마바사아자차)+.*… {1,2}OPEN {2}20:00:00$/);
  });

  it("what a name or an event holds cannot move the cursor", () => {
    const nasty = "x\x1b[2J\r\n\u202e";
    const events = [told(0, nasty)];
    const model = modelAfter(message({ campaign: { name: nasty }, message: { events } }));
    for (const one of screenLines(model, 0, small)) expect(one).not.to.match(/[\p{Cc}\u202e]/u);
  });

  const sizes = fc.record({
    width: fc.integer({ min: 1, max: 200 }),
    height: fc.integer({ min: 0, max: 60 }),
    colour: fc.boolean(),
    unicode: fc.boolean(),
  });
  const lost = withBreak(during, { why: "unavailable", again: "again in 0.2 s" }, 0);
  const models = fc.constantFrom(
    empty,
    during,
    lost,
    modelAfter(scheduled),
    modelAfter(message({ campaign: { name: "한글 이름 🎄".repeat(9) } })),
  );

  it("on any terminal it is as high as the terminal, and nothing is wider", () => {
    fc.assert(
      fc.property(models, sizes, (model, size) => {
        const lines = screenLines(model, 2_500, size);
        expect(lines).to.have.length(size.height);
        for (const one of lines)
          expect(cellsOf(stripVTControlCharacters(one))).to.be.at.most(size.width, JSON.stringify(one));
      }),
      { numRuns: 400 },
    );
  });

  // Pieces of names, how each is drawn, and the cells that it then takes, by the terminal's widths and not by
  // our function.
  const pieces: readonly (readonly [piece: string, drawn: string, cells: number])[] = [
    ["a", "a", 1],
    ["가", "가", 2],
    ["한".normalize("NFD"), "한".normalize("NFD"), 2],
    ["漢", "漢", 2],
    ["Ｗ", "Ｗ", 2],
    ["e\u0301\u0323", "e\u0301\u0323", 1],
    ["น\u0e33", "น\u0e33", 2],
    ["क\u093f", "क\u093f", 2],
    ["👨‍👩‍👧", "👨‍👩‍👧", 2],
    ["👍🏽", "👍🏽", 2],
    ["🇰🇷", "🇰🇷", 2],
    ["1\ufe0f\u20e3", "1\ufe0f\u20e3", 2],
    ["❤\ufe0f", "❤\ufe0f", 2],
    ["\u202e", "\\u202e", 6],
    ["\u2067", "\\u2067", 6],
    ["\u200b", "\\u200b", 6],
    ["\u00ad", "\\u00ad", 6],
    ["\ufeff", "\\ufeff", 6],
    ["\u3164", "\\u3164", 6],
    ["\u001b", "\\u001b", 6],
  ];
  const byLength = [...pieces].sort(([, one], [, other]) => other.length - one.length);
  /** The width in cells of a line that otherwise holds only characters of one cell. */
  const measured = (line: string): number =>
    byLength.reduce((rest, [, drawn, cells]) => rest.replaceAll(drawn, "x".repeat(cells)), line).length;

  it("names of wide, joined, combined and hidden characters are drawn at the width that they take (property)", () => {
    const names = fc.array(fc.constantFrom(...pieces.map(([piece]) => piece)), { maxLength: 40 });
    const widths = fc.integer({ min: 40, max: 130 });
    fc.assert(
      fc.property(names, widths, fc.boolean(), (parts, width, colour) => {
        const name = parts.join("");
        const shown = message({
          campaign: { name, state: OPEN, openedAt },
          message: {
            processes: [watchedProcess(4711), watchedProcess(4712, { host: name })],
            events: [told(2, name)],
          },
        });
        const lines = screenLines(modelAfter(shown), 0, { width, height: 30, colour, unicode: true }).map(
          stripVTControlCharacters,
        );
        // The state and the clock are at the right edge for every name.
        expect(lines[0]).to.match(/ OPEN {2}20:00:00$/);
        expect(measured(lines[0] ?? ""), JSON.stringify(lines[0])).to.equal(width);
        for (const one of lines) {
          expect(measured(one), JSON.stringify(one)).to.be.at.most(width);
          expect(one).not.to.match(/[\p{Bidi_Control}\p{Cc}\u200b\u3164]/u);
        }
        // The columns of the two processes are aligned.
        const ticks = lines.filter((one) => /\/471[12] |…/.test(one) && / 0\.9s /.test(one));
        for (const one of ticks)
          expect(measured(one.slice(0, one.indexOf(" 0.9s "))), JSON.stringify(one)).to.equal(
            measured((ticks[0] ?? "").slice(0, (ticks[0] ?? "").indexOf(" 0.9s "))),
          );
      }),
      { numRuns: 300 },
    );
  });

  it("colour changes nothing but the colour, and without it there is no escape", () => {
    fc.assert(
      fc.property(models, sizes, (model, size) => {
        const plain = screenLines(model, 0, { ...size, colour: false });
        const coloured = screenLines(model, 0, { ...size, colour: true });
        expect(plain.join("\n")).not.to.include("\x1b");
        expect(coloured.map((one) => stripVTControlCharacters(one).trimEnd())).to.deep.equal(plain);
      }),
    );
    expect(text(during, { ...small, colour: true }))
      .to.include("\x1b[32m")
      .and.include("\x1b[31m");
  });

  it("on a narrow terminal state, countdown and silence stay, id and roles go (property)", () => {
    const states = fc.constantFrom<[CampaignState, RegExp]>(
      [SCHEDULED, /^opens in (\dd )?\d\d:\d\d:\d\d/],
      [PAUSED, /in (\dd )?\d\d:\d\d:\d\d/],
      [OPEN, /ends in (\dd )?\d\d:\d\d:\d\d$/],
    );
    const given = fc.record({
      width: fc.constantFrom(30, 40, 80, 120, 200),
      name: fc.constantFrom("가".repeat(200), "👩‍👩‍👧‍👦".repeat(40), "Winter"),
      leftMs: fc.integer({ min: 60_000, max: 8 * 86_400_000 }),
      at: states,
    });
    fc.assert(
      fc.property(given, ({ width, name, leftMs, at: [state, told] }) => {
        const isOpen = state === OPEN;
        const ends = isOpen ? { openedAt, endsAt: timestampFromMs(startMs + 60_000 + leftMs) } : {};
        const shown = message({
          campaign: { name, state, ...ends },
          sinceStartMs: isOpen ? 60_000 : -leftMs,
          message: { processes: [watchedProcess(4712, { silentMs: 6_500n })] },
        });
        const lines = screenLines(modelAfter(shown), 0, { ...small, width });
        for (const one of lines) expect(cellsOf(one), one).to.be.at.most(width);
        expect(lines[0]).to.include(stateName(state));
        expect(lines[1]?.replace(/ +01JSTANDIN.*$/, "")).to.match(told);
        expect(lines.join("\n")).to.include("! 6.5s");
      }),
    );
  });

  it("before the first claim there are no empty rows", () => {
    const waiting = message({ campaign: { state: OPEN, openedAt }, sinceStartMs: 3_000 });
    const lines = screenLines(modelAfter(waiting, waiting), 0, wide);
    expect(lines.filter((one) => /^(rate|latency) /.test(one))).to.deep.equal([]);
    expect(lines.slice(3, 7)).to.deep.equal([
      lines.find((one) => one.startsWith("issued")),
      "answers   none yet",
      "",
      lines.find((one) => one.startsWith("process ")),
    ]);
  });

  it("a terminal that knows no Unicode is drawn on in ASCII", () => {
    const model = modelAfter(open(640, 0), open(640, 800));
    const drawn = text(model, { ...small, unicode: false }).replace("크리스마스", "");
    expect(drawn).to.match(/^[\x20-\x7e\n]*$/);
    expect(drawn).to.include("#").and.include("-0.4 +- 1.2 ms");
  });
});
