import { enumName } from "../proto/enum-name.ts";
import {
  PreflightColour,
  PreflightColourSchema,
  type PreflightLine,
} from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Output } from "./output.ts";
import { printable } from "./render.ts";
import { withInstants } from "./server-words.ts";

/** One line for each check, with the advice below it. */
export function preflightLines(output: Output, lines: readonly PreflightLine[], zone: string): string {
  const width = Math.max(0, ...lines.map(({ check }) => check.length));
  return lines
    .map(({ check, colour, finding, advice }) => {
      const head = `  ${paintedColour(output, colour)}  ${printable(check).padEnd(width)}  ${withInstants(printable(finding), zone)}\n`;
      return advice === "" ? head : `${head}  ${" ".repeat(5 + 2 + width)}  → ${printable(advice)}\n`;
    })
    .join("");
}

export function paintedColour(output: Output, colour: PreflightColour): string {
  switch (colour) {
    case PreflightColour.GREEN:
      return output.style("green", "GREEN");
    case PreflightColour.AMBER:
      return output.style("yellow", "AMBER");
    case PreflightColour.RED:
      return output.style("red", "RED  ");
    default:
      // A newer service may have a colour that is unknown to this build.
      return enumName(PreflightColourSchema, colour);
  }
}
