import { toJson } from "@bufbuild/protobuf";
import {
  type CodeFormatFacts,
  DescribeFormatsResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted } from "../../runtime/counting.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { groupedDigits, oddsText } from "../odds.ts";
import type { Output } from "../output.ts";
import { factLines, printable } from "../render.ts";
import { tableLines } from "../table.ts";

const maxTotal = 5_000_000;

export const action: Action = {
  async run(session, input) {
    const { output, campaigns } = session;
    const pattern = input.text("--format")?.normalize("NFC");
    const total = input.wholeNumber("--total", 1, maxTotal) ?? 0;
    const request = { total, codeFormats: pattern === undefined ? [] : [pattern] };
    const answer = await call(session, (options) => campaigns.describeFormats(request, options));
    if (output.json) {
      await output.write(`${JSON.stringify(toJson(DescribeFormatsResponseSchema, answer, jsonOptions))}\n`);
      return;
    }
    const [only] = answer.formats;
    const shown =
      pattern !== undefined && only !== undefined
        ? inFull(output, only, answer.total)
        : table(answer.formats, output.columns);
    const coupons = counted(answer.total, "coupon");
    await output.write(pattern === undefined ? `for a campaign of ${coupons}\n${shown}` : shown);
  },
};

function table(all: readonly CodeFormatFacts[], columns: number): string {
  const column = (heading: string, cell: (facts: CodeFormatFacts) => string) => ({ heading, cell });
  const format = column("FORMAT", (facts) => printable(facts.codeFormat));
  const codes = column("CODES", (facts) => groupedDigits(facts.codes));
  const room = column("ROOM", (facts) => groupedDigits(facts.room));
  const guess = column("GUESS", (facts) => oddsText(facts.guessOdds));
  const collision = column("COLLISION", (facts) => oddsText(facts.collisionOdds));
  const fits = column("FITS", (facts) => (facts.fits ? "yes" : "no"));
  const example = column("EXAMPLE", (facts) => printable(facts.examples[0] ?? ""));
  const layouts = [
    [format, codes, room, guess, collision, fits, example],
    [format, codes, guess, collision, fits, example],
    [format, guess, collision, fits, example],
    [format, guess, fits, example],
    [format, guess, fits],
    [format, fits],
  ];
  return `${tableLines(layouts, all, columns).join("\n")}\n`;
}

function inFull(output: Output, facts: CodeFormatFacts, total: number): string {
  const existing = facts.existing === 0n ? "none yet" : groupedDigits(String(facts.existing));
  const check = facts.hasCheckCharacter
    ? "yes: finds every wrong character and every swap of two"
    : "no: a last # after 가 and 0 alone is one";
  const told: [label: string, value: string][] = [
    [
      "examples",
      `${facts.examples.map(printable).join("  ")}  (${/예/.test(facts.examples.join("")) ? "예" : "E"} marks them: none is a coupon)`,
    ],
    ["check", check],
    ["combinations", groupedDigits(facts.combinations)],
    ["codes", `${groupedDigits(facts.codes)} without a blocked word, ${facts.entropyBits.toFixed(1)} bits`],
    ["exist", existing],
    ["room", `${groupedDigits(facts.room)} more coupons`],
    ["guess", `${oddsText(facts.guessOdds)} with ${counted(total, "coupon")} more`],
    ["collision", `${oddsText(facts.collisionOdds)} that any of them is made twice`],
    ["fits", facts.fits ? "yes" : `no: ${printable(facts.whyNot)}`],
  ];
  return `${output.style("bold", printable(facts.codeFormat))}\n${factLines(told)}`;
}
