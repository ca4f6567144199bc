import { createHmac } from "node:crypto";
import { SEPARATOR } from "../../pool/claim-field.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { isPseudonym, PSEUDONYM_MARK } from "../../record/pseudonym.ts";

/**
 * Makes the pseudonyms that replace the ids of erased users. Only a process with the key can tell that a
 * user id and a pseudonym belong together; in each campaign a user has another one.
 */
export type Pseudonyms = {
  /** Tells keys apart without revealing them: 12 letters, digits, - or _. */
  readonly fingerprint: string;
  /** Of a user id or a request id. A pseudonym stays what it is. */
  of(campaignId: string, id: string): string;
  /** Of a claim key; where it is made of a user id and a request id, of each of them. */
  ofClaimKey(campaignId: string, claimKey: string): string;
  /** What takes the place of the ids of a claim or an issuance. */
  inPlaceOf<T extends Ids>(campaignId: string, ids: T): T;
};

type Ids = { readonly claimKey: string; readonly userId?: string | undefined };

/** A campaign has erased users, and this process has not the key by which it could recognise them. */
export class MissingErasureKey extends Error {
  override readonly name = "MissingErasureKey";
}

/** 128 bits: two of a million ids get the same pseudonym with a chance of 1 in 10^27. */
const PSEUDONYM_BYTES = 16;
const FINGERPRINT_BYTES = 9;

/** `key`: of ERASURE_KEY, the same in all processes. */
export function createPseudonyms(key: string): Pseudonyms {
  const hash = (text: string, bytes: number) =>
    createHmac("sha256", key).update(text).digest().subarray(0, bytes).toString("base64url");

  function of(campaignId: string, id: string): string {
    return isPseudonym(id) ? id : PSEUDONYM_MARK + hash(`id\0${campaignId}\0${id}`, PSEUDONYM_BYTES);
  }

  function ofClaimKey(campaignId: string, claimKey: string): string {
    const at = claimKey.indexOf(SEPARATOR);
    if (at < 0) return of(campaignId, claimKey);
    return `${of(campaignId, claimKey.slice(0, at))}${SEPARATOR}${of(campaignId, claimKey.slice(at + 1))}`;
  }

  return {
    fingerprint: hash("fingerprint", FINGERPRINT_BYTES),
    of,
    ofClaimKey,
    inPlaceOf(campaignId, ids) {
      const { claimKey, userId } = ids;
      const user = userId === undefined || userId === "" ? {} : { userId: of(campaignId, userId) };
      return { ...ids, claimKey: ofClaimKey(campaignId, claimKey), ...user };
    },
  };
}

/**
 * The pseudonyms that claims of a campaign must bring; undefined: it has no erased users.
 * @throws MissingErasureKey
 */
export function demandedPseudonyms(
  { _id, erasure }: Pick<CampaignDoc, "_id" | "erasure">,
  pseudonyms: Pseudonyms | undefined,
): Pseudonyms | undefined {
  return erasure === undefined ? undefined : fittingPseudonyms(_id, erasure.key, pseudonyms);
}

/** @throws MissingErasureKey where their key is not the one with this fingerprint */
export function fittingPseudonyms(
  campaignId: string,
  fingerprint: string,
  pseudonyms: Pseudonyms | undefined,
): Pseudonyms {
  if (pseudonyms?.fingerprint === fingerprint) return pseudonyms;
  const has = pseudonyms === undefined ? "has none" : `has the key ${pseudonyms.fingerprint}`;
  throw new MissingErasureKey(
    `campaign ${campaignId} has erased users under the erasure key ${fingerprint}; this process ${has}: set ERASURE_KEY`,
  );
}
