import { EVENT_TYPES, type EventType } from "./cloud-event.ts";

/** The types that a sink or a reader may choose: a test of a sink is delivered to it in any case. */
const CHOICE: readonly EventType[] = EVENT_TYPES.filter((type) => type !== "sink.test");

/** Names all types of events of campaigns, those of later versions too. */
const OF_CAMPAIGNS = "campaign.*";

/** Each text that `typesMeant` takes. */
export const TYPE_CHOICES: readonly string[] = [...CHOICE, OF_CAMPAIGNS];

/** The types that a text means, such as `coupon.issued` or `campaign.*`; undefined: none. */
export function typesMeant(text: string): readonly EventType[] | undefined {
  if (text === OF_CAMPAIGNS) return CHOICE.filter((type) => type.startsWith("campaign."));
  const type = CHOICE.find((known) => known === text);
  return type === undefined ? undefined : [type];
}
