import { PreflightColour } from "../../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { PlainKey } from "../../i18n/words.ts";

export type Colour = "green" | "amber" | "red";

/** A colour that only a newer service has does not mean that the campaign opens: it counts as red. */
export function colourOf(colour: PreflightColour): Colour {
  switch (colour) {
    case PreflightColour.GREEN:
      return "green";
    case PreflightColour.AMBER:
      return "amber";
    default:
      return "red";
  }
}

/** The checks of this version of the service, with the texts of what each looks at. */
const CHECKS: readonly string[] = [
  ...["start", "codes", "pool", "fence", "generation", "ledger"],
  ...["redis-durability", "redis-eviction", "redis-role", "redis-slot", "redis-write", "redis-memory"],
  ...["mongodb-write", "mongodb-members", "servers", "schedulers", "clocks"],
  ...["claim-auth", "claim-limits", "code-format"],
];

/** The key of a check's title; undefined: a newer service has it, and this page shows its name. */
export function checkKey(check: string): PlainKey | undefined {
  return CHECKS.includes(check) ? (`check.${check}` as PlainKey) : undefined;
}

const WORST_FIRST: readonly Colour[] = ["red", "amber", "green"];

/** Red first, then amber, then green; within a colour as the service sends them. */
export function inOrderOfColour<L extends { readonly colour: PreflightColour }>(lines: readonly L[]): L[] {
  const rank = ({ colour }: L) => WORST_FIRST.indexOf(colourOf(colour));
  return [...lines].sort((a, b) => rank(a) - rank(b));
}
