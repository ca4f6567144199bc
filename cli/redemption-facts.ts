import { enumName } from "../proto/enum-name.ts";
import {
  type CouponRedemptions,
  type Redemption,
  RedemptionState,
  RedemptionStateSchema,
} from "../proto/gen/coupon/v1/redemption_pb.ts";
import { grouped } from "../runtime/counting.ts";
import { epochMsOf, factLines, instantText, printable } from "./render.ts";
import type { Session } from "./session.ts";

type Fact = [label: string, value: string];

const stateWord = (state: RedemptionState) => enumName(RedemptionStateSchema, state).toLowerCase();

/** One redemption, for an operator. */
export function redemptionFacts(redemption: Redemption, zone: string): Fact[] {
  const { campaignId, key, state, redeemer } = redemption;
  const at = (timestamp: Redemption["endedAt"]) => {
    const epochMs = epochMsOf(timestamp);
    return epochMs === undefined ? undefined : instantText(epochMs, zone);
  };
  const [ended, expires] = [at(redemption.endedAt), at(redemption.expiresAt)];
  return [
    ["state", stateWord(state)],
    ["campaign", printable(campaignId)],
    ["key", printable(key)],
    ...(redeemer === "" ? [] : [["by", printable(redeemer)] satisfies Fact]),
    ...(state === RedemptionState.RESERVED && expires !== undefined
      ? [["until", expires] satisfies Fact]
      : []),
    ...(ended === undefined ? [] : [["at", ended] satisfies Fact]),
  ];
}

/** Everything that is recorded of a code. */
export async function writeRedemptions(
  { output, settings: { zone } }: Session,
  recorded: CouponRedemptions,
): Promise<void> {
  const { code, campaignId, voided, redemptions, voidChanges, maxRedemptions } = recorded;
  const confirmed = redemptions.filter(({ state }) => state === RedemptionState.CONFIRMED).length;
  const [from, until] = [epochMsOf(recorded.validFrom), epochMsOf(recorded.validUntil)];
  const facts: Fact[] = [
    ["campaign", printable(campaignId)],
    ["void", voided ? "yes" : "no"],
    ["redeemed", `${grouped(confirmed)} of ${grouped(maxRedemptions)}`],
    ...(from === undefined ? [] : [["valid from", instantText(from, zone)] satisfies Fact]),
    ...(until === undefined ? [] : [["valid until", instantText(until, zone)] satisfies Fact]),
  ];
  for (const one of redemptions) {
    const at = epochMsOf(one.endedAt ?? one.reservedAt);
    const expires = one.state === RedemptionState.RESERVED ? epochMsOf(one.expiresAt) : undefined;
    const when = at === undefined ? "" : `  ${instantText(at, zone)}`;
    const end = expires === undefined ? "" : `, until ${instantText(expires, zone)}`;
    facts.push([stateWord(one.state), `${printable(one.key)}${when}${end}`]);
  }
  for (const change of voidChanges) {
    const at = epochMsOf(change.at);
    const why = change.reason === "" ? "" : `: ${printable(change.reason)}`;
    const when = at === undefined ? "" : `  ${instantText(at, zone)}`;
    facts.push([change.voided ? "made void" : "made valid", `by ${printable(change.actor)}${why}${when}`]);
  }
  await output.write(`${output.style("bold", printable(code))}\n${factLines(facts)}`);
}
