import { toJson } from "@bufbuild/protobuf";
import {
  type CodeFormatFacts,
  DescribeFormatsResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { cellsOf } from "../console/cells.ts";
import { jsonOptions } from "../json.ts";
import { groupedDigits, oddsText } from "../odds.ts";
import type { Output } from "../output.ts";
import { factLines, grouped, padded, printable } from "../render.ts";

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
        : table(answer.formats);
    const coupons = `${grouped(answer.total)} ${answer.total === 1 ? "coupon" : "coupons"}`;
    await output.write(pattern === undefined ? `for a campaign of ${coupons}\n${shown}` : shown);
  },
};

function table(all: readonly CodeFormatFacts[]): string {
  const rows = all.map((facts) => [
    printable(facts.codeFormat),
    groupedDigits(facts.codes),
    groupedDigits(facts.room),
    oddsText(facts.guessOdds),
    oddsText(facts.collisionOdds),
    facts.fits ? "yes" : "no",
    printable(facts.examples[0] ?? ""),
  ]);
  const lines = [["FORMAT", "CODES", "ROOM", "GUESS", "COLLISION", "FITS", "EXAMPLE"], ...rows];
  const widthOf = (column: number): number => Math.max(...lines.map((line) => cellsOf(line[column] ?? "")));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => padded(cell, widthOf(column)))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function inFull(output: Output, facts: CodeFormatFacts, total: number): string {
  const existing = facts.existing === 0n ? "none yet" : groupedDigits(String(facts.existing));
  const check = facts.hasCheckCharacter
    ? "yes: finds every wrong character and every swap of two"
    : "no: give a last # for one";
  const told: [label: string, value: string][] = [
    ["examples", `${facts.examples.map(printable).join("  ")}  (예 marks them: none is a coupon)`],
    ["check", check],
    ["combinations", groupedDigits(facts.combinations)],
    ["codes", `${groupedDigits(facts.codes)} without a blocked word, ${facts.entropyBits.toFixed(1)} bits`],
    ["exist", existing],
    ["room", `${groupedDigits(facts.room)} more coupons`],
    ["guess", `${oddsText(facts.guessOdds)} with ${grouped(total)} coupons more`],
    ["collision", `${oddsText(facts.collisionOdds)} that any of them is made twice`],
    ["fits", facts.fits ? "yes" : `no: ${printable(facts.whyNot)}`],
  ];
  return `${output.style("bold", printable(facts.codeFormat))}\n${factLines(told)}`;
}
