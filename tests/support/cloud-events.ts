import { type CloudEvent, changeEvent, issuedEvent } from "../../events/cloud-event.ts";

const AT = new Date("2030-01-01T00:00:00.000Z");

/** Events of issued coupons of a campaign, from a number on, as the log gives them. */
export function couponEvents(campaignId: string, count: number, first = 1): CloudEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const number = first + i;
    const issuance = {
      ...{ _id: `가나다라마바${String(number).padStart(4, "0")}`, campaignId, claimKey: `user-${number}` },
      ...{ generation: 1, seq: number, issuedAt: AT },
    };
    return issuedEvent(issuance, { onePerUser: true, number, late: false }, { n: 1, index: number });
  });
}

/** The campaign was opened. */
export function openedEvent(campaignId: string): CloudEvent {
  const settings = { name: "launch", total: 100, startsAt: AT } as const;
  return changeEvent(
    {
      ...{ _id: `${campaignId}/2`, campaignId, revision: 2, at: AT, actor: "scheduler", verb: "open" },
      ...{ before: { ...settings, state: "SCHEDULED" }, after: { ...settings, state: "OPEN" } },
    },
    { n: 1, index: 0 },
  );
}
