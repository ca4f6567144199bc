import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { createTokenBuckets, type Rate } from "../../access/token-buckets.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import { keyHashOf } from "../../proof/leaves.ts";
import type { SigningKey } from "../../proof/signing-key.ts";
import { receiptLine } from "../../proof/statements.ts";
import type { IssueCouponRequest } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { ReceiptSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { SignedStatementSchema } from "../../proto/gen/coupon/v1/proof_pb.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Adds a signed receipt to the error of a refusal whose caller asked for one, if it gets one. */
export type AddReceipt = (
  error: ConnectError,
  refusal: Refusal,
  request: Pick<IssueCouponRequest, "campaignId" | "userId" | "requestId">,
  address: string,
) => ConnectError;

/** A signature costs about 50 µs: at most a twentieth of a processor, and no address takes all of it. */
const ALL: Rate = { count: 1_000, seconds: 1 };
const ADDRESS: Rate = { count: 50, seconds: 10 };
const SALT_BYTES = 32;

/** The answers that a loser may want to show: a claim arrived at this server, and got no coupon. */
const RECEIPTED: ReadonlySet<Refusal["reason"]> = new Set([
  ...(["NOT_STARTED", "NOT_READY", "PAUSED", "ENDED", "CANCELLED", "SOLD_OUT"] as const),
  ...(["OVERLOADED", "UNCERTAIN"] as const),
]);

/** `server`: the name of this process in receipts. Keeps nothing of a receipt. */
export function createReceipts(
  signingKey: SigningKey,
  server: string,
  clock: Pick<Clock, "now" | "elapsed">,
): AddReceipt {
  const all = createTokenBuckets(ALL, clock);
  const addresses = createTokenBuckets(ADDRESS, clock);

  return (error, refusal, { campaignId, userId, requestId }, address) => {
    if (!RECEIPTED.has(refusal.reason)) return error;
    if ((address !== "" && addresses.take(address) > 0) || all.take("") > 0) return error;
    const keySalt = randomBytes(SALT_BYTES);
    const statement = receiptLine(
      {
        ...{ campaign: campaignId.toUpperCase(), server, atMs: clock.now(), reason: refusal.reason },
        ...{ keySalt, keyHash: keyHashOf(keySalt, userId === "" ? requestId : userId) },
      },
      signingKey.publicKey,
    );
    const signed = create(SignedStatementSchema, { statement, signature: signingKey.sign(statement) });
    error.details.push({ desc: ReceiptSchema, value: create(ReceiptSchema, { statement: signed }) });
    return error;
  };
}
