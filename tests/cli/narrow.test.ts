import { stripVTControlCharacters } from "node:util";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import fc from "fast-check";
import { exportLine } from "../../cli/commands/export.ts";
import { cellsOf } from "../../cli/console/cells.ts";
import { fittedText } from "../../cli/fitted-text.ts";
import { run } from "../../cli/run.ts";
import { tableLines } from "../../cli/table.ts";
import { progressLine } from "../../cli/verification.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { PreflightColour } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CheckVerdict, VerifyProgressSchema } from "../../proto/gen/coupon/v1/verify_pb.ts";
import { campaign, campaignId, coupon, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";
import { standInTerminal } from "../support/stand-in-terminal.ts";

const widths = [40, 80, 120, 200];
const names = [
  "Winter",
  "가".repeat(200),
  "👩‍👩‍👧‍👦🎁".repeat(50),
  "a very long name ".repeat(12).trim(),
  "x".repeat(200),
];

describe("what is shown fits the terminal", () => {
  let service: StandIn;
  const states = [CampaignState.OPEN, CampaignState.GENERATING, CampaignState.SOLD_OUT];
  const all = names.map((name, i) =>
    campaign({
      name,
      state: states[i % 3] ?? CampaignState.OPEN,
      issued: 5,
      total: i === 1 ? 5_000_000 : 12,
    }),
  );
  const long = names.join(" ");

  before(async () => {
    service = await startStandIn({
      campaigns: {
        listCampaigns: () => ({ campaigns: all }),
        getCampaign: () => ({ campaign: all[1] ?? campaign(), serverTime: timestampFromMs(startMs - 1_000) }),
        listHistory: () => ({
          entries: names.map((name, i) => ({
            ...{ revision: i, verb: "edit", actor: name, at: timestampFromMs(startMs) },
            ...{ before: { name: "before" }, after: { name } },
          })),
        }),
        findIssuance: () => ({ issuance: { coupon: coupon(3), userId: names[1] ?? "" }, campaignName: long }),
        describeFormats: () => ({
          total: 1_000,
          formats: ["가가가가가가0000", "가가가가00000#"].map((codeFormat) => ({
            ...{ codeFormat, codes: "123456789012345678", room: "123456789012345678" },
            ...{ guessOdds: 1e-12, collisionOdds: 1e-9, fits: true, examples: ["예송탐니빈즈7550"] },
          })),
        }),
        preflightCampaign: () => ({
          campaign: campaign({ name: long }),
          colour: PreflightColour.AMBER,
          lines: ["clocks", "schedulers"].map((check) => ({
            ...{ check, colour: PreflightColour.AMBER, finding: `found ${long}`, advice: `do ${long}` },
          })),
        }),
        async *verifyCampaign() {
          const checks = ["U1", "U5"].map((invariant) => ({
            ...{ invariant, title: "the books balance", verdict: CheckVerdict.VIOLATED, violations: 1 },
            ...{ detail: "pool 1 + claims 3 of 5, ledger 0", offenders: [{ words: `coupon 12 of ${long}` }] },
          }));
          yield { message: { case: "report", value: { checks, issued: 1, total: 2 } } };
        },
        getCampaignStats: () => ({
          ...{ campaign: campaign({ issued: 1_234_567, total: 5_000_000 }), bucketMs: 86_400_000 },
          issuedPerBucket: [1_000_000, 234_567],
        }),
      },
    });
  });
  after(() => service.close());

  async function shown(
    args: string[],
    columns: number | undefined,
    more: NodeJS.ProcessEnv = {},
  ): Promise<string> {
    const stdout = standInTerminal(columns);
    if (columns === undefined) stdout.isTTY = false;
    const env = { COUPON_URL: service.url, XDG_CONFIG_HOME: "/nonexistent", ...more };
    const signal = new AbortController().signal;
    await run({ args, env, stdin: standInTerminal(), stdout, stderr: standInTerminal(columns), signal });
    return stripVTControlCharacters(stdout.shown());
  }
  const letters = (text: string) => text.replace(/\s+/g, "");

  for (const args of [
    ["list"],
    ["history", campaignId],
    ["find", "--code", "가나다라마바0003"],
    ["formats"],
    ["formats", "--format", "가가가가가가0000"],
    ["preflight", campaignId],
    ["verify", campaignId],
    ["stats", campaignId],
    ["get", campaignId],
  ])
    it(`coupon ${args.slice(0, 2).join(" ").replace(campaignId, "ID")}`, async () => {
      const whole = await shown(args, undefined);
      expect(whole.length).to.be.greaterThan(100);
      for (const columns of widths) {
        const text = await shown(args, columns);
        for (const line of text.split("\n")) expect(cellsOf(line), line).to.be.at.most(columns);
        // Tables leave columns out and shorten names; all other text is broken into lines, and none of it is
        // lost.
        const isTable =
          args[0] === "list" || (args[0] === "formats" && args.length === 1) || args[0] === "stats";
        if (!isTable) expect(letters(text)).to.equal(letters(whole));
        if (args[0] !== "list") continue;
        expect(text.match(new RegExp(campaignId, "g")), `${columns}`).to.have.length(names.length);
        for (const state of ["OPEN", "GENERATING", "SOLD_OUT"]) expect(text).to.include(state);
        for (const name of names) expect(whole).to.include(name);
        if (!text.startsWith("ID")) {
          // There is no room for a table: each campaign's fields are below its id.
          expect(columns).to.be.below(60);
          expect(text.match(/\d\/[\d,]+ issued/g)).to.have.length(names.length);
          for (const name of names) expect(letters(text)).to.include(letters(name));
          continue;
        }
        // One line for each campaign, however long its name is; in a pipe, the whole name.
        expect(text.trimEnd().split("\n")).to.have.length(names.length + 1);
        expect(text).to.match(/^ID +STATE +ISSUED .*NAME/);
        if (columns >= 80 && /STARTS/.test(text)) expect(text).to.match(/STARTS \([^)]+\)/);
        for (const name of names) expect(whole).to.include(name);
        if (columns >= 80) expect(text).to.match(/2026-12-2\d/);
      }
    });

  it("the lines of export and verify with a bar: a smaller bar, then none, then a shorter line", () => {
    const lines: readonly ((columns: number) => string)[] = [
      (columns) => exportLine(1_234_567, 5_000_000, columns),
      (columns) =>
        progressLine(
          create(VerifyProgressSchema, { reading: 2, what: "issuances", done: 1_234_567, of: 5_000_000 }),
          columns,
        ),
    ];
    for (const lineOf of lines) {
      for (const columns of [...widths, 20, 10]) expect(cellsOf(lineOf(columns))).to.be.at.most(columns);
      expect(lineOf(200)).to.match(/[█░]{24} 1,234,567/);
      expect(lineOf(40)).to.match(/1,234,567( of |\/)5,000,000/);
      expect(lineOf(20)).to.not.match(/[█░]/);
    }
  });

  it("in a locale that is not UTF-8 all signs are ASCII, on a terminal, in a pipe and in help; data stays as it is", async () => {
    const signs = /[^\n\x20-\x7e\uac00-\ud7a3\p{Emoji}\u200d]/u;
    const calls = [
      ...[["list"], ["history", campaignId], ["preflight", campaignId], ["stats", campaignId], ["--help"]],
      ...[
        ["formats", "--help"],
        ["verify", "--help"],
      ],
    ];
    for (const args of calls) {
      for (const columns of [80, undefined]) {
        for (const locale of [{ LANG: "C" }, { LC_ALL: "POSIX", LANG: "ko_KR.UTF-8" }])
          expect(await shown(args, columns, locale), args.join(" ")).not.to.match(signs);
      }
    }
    const inUtf8 = { LANG: "ko_KR.UTF-8" };
    expect(await shown(["preflight", campaignId], 80, inUtf8)).to.include("→ do");
    expect(await shown(["preflight", campaignId], 80, { LANG: "C" })).to.include("-> do");
    const json = ["history", campaignId, "--json"];
    expect(await shown(json, undefined, { LANG: "C" })).to.equal(await shown(json, undefined, inUtf8));
  });

  const words = fc.array(
    fc.constantFrom("가나다", "🎁", "a", "long-winded", "x".repeat(60), "  ", "=", "é"),
    {
      maxLength: 30,
    },
  );

  it("text in lines loses nothing, and no line is wider (property)", () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 2, max: 200 }), fc.nat(30), (parts, columns, lead) => {
        const line = `${" ".repeat(lead)}\x1b[32m${parts.join(" ")}\x1b[39m`;
        const text = stripVTControlCharacters(fittedText(line, columns));
        for (const one of text.split("\n")) expect(cellsOf(one.trimEnd()), one).to.be.at.most(columns);
        expect(letters(text)).to.equal(letters(stripVTControlCharacters(line)));
      }),
    );
  });

  it("a table has a line a row, none wider, and its first layout where there is room (property)", () => {
    const rows = fc.array(
      fc.tuple(
        words.map((parts) => parts.join("")),
        fc.nat(),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(rows, fc.integer({ min: 10, max: 200 }), (all, columns) => {
        const state = { heading: "STATE", cell: () => "OPEN" };
        const name = { heading: "NAME", cell: ([text]: [string, number]) => text, cellsMin: 6 };
        const count = {
          heading: "COUNT",
          cell: ([, n]: [string, number]) => String(n),
          side: "right" as const,
        };
        const lines = tableLines([[state, count, name], [state, count], [state]], all, columns);
        expect(lines).to.have.length(all.length + 1);
        for (const line of lines) expect(cellsOf(line), line).to.be.at.most(columns);
        for (const line of lines.slice(1)) expect(line).to.match(/^OPEN/);
        if (columns >= 40) expect(lines[0]).to.match(/NAME$/);
      }),
    );
  });

  it("an instant and a path go below their label whole, where a line has room for them", () => {
    const line = "  server's clock  2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24T11:00:00.000Z";
    for (let columns = 30; columns <= 80; columns++) {
      const words = fittedText(line, columns).split(/\s+/);
      expect(words, `${columns}`).to.deep.equal(line.split(/\s+/));
    }
    const path = "  config file     /home/mina/.config/coupon/config.json";
    expect(fittedText(path, 40).split(/\s+/)).to.include("/home/mina/.config/coupon/config.json");
  });
});
