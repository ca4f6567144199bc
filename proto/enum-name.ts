import type { DescEnum } from "@bufbuild/protobuf";

/**
 * "SOLD_OUT": an enum's value as a person reads it. The generated enums are plain objects without a way back
 * from number to name, so `CampaignState[3]` is undefined; the schema beside each has the names. A value of a
 * newer contract is its number with the enum's prefix, "CAMPAIGN_STATE_42".
 */
export function enumName({ value, sharedPrefix, name }: DescEnum, number: number): string {
  return value[number]?.localName ?? `${(sharedPrefix ?? `${name}_`).toUpperCase()}${number}`;
}
