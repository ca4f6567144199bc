import { createHmac } from "node:crypto";

/** Pseudonyms begin with it; no id has it. The audit uses nothing of the product, so it says so itself. */
const MARK = "\u001e";
/** Between a user id and a request id. */
const SEPARATOR = "\u001f";
const BYTES = 16;

export const isErased = (key: string): boolean => key.startsWith(MARK);

/** The pseudonym of a claim key in this campaign, as docs/privacy.md describes it. */
export function pseudonymsOf(erasureKey: string, campaignId: string): (claimKey: string) => string {
  const of = (id: string) => {
    const hash = createHmac("sha256", erasureKey).update(`id\0${campaignId}\0${id}`).digest();
    return MARK + hash.subarray(0, BYTES).toString("base64url");
  };
  return (claimKey) =>
    isErased(claimKey)
      ? claimKey
      : claimKey
          .split(SEPARATOR, 2)
          .map((id) => of(id))
          .join(SEPARATOR);
}
