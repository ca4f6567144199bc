import type { ConnectError } from "@connectrpc/connect";
import { RefusalReason } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { exitCodes } from "./exit-code.ts";
import { refusalOf } from "./failure.ts";
import { flagOfField } from "./server-words.ts";
import { UncertainCall, UserError } from "./user-error.ts";

/**
 * Of a creation under a request id that the command made itself: the campaign of that id is there already and
 * differs. The operator has given no request id, so the words are about the campaign.
 * @returns the error as it is where it is another one
 */
export function createdAlready(error: unknown, what: string, hint: string): unknown {
  const cause = error instanceof UncertainCall ? error.cause : error;
  if (refusalOf(cause)?.reason !== RefusalReason.CONFLICT) return error;
  const { rawMessage } = cause as ConnectError;
  const field = /a campaign with another (\w+)$/.exec(rawMessage)?.[1];
  const differs = field === undefined ? "other properties" : `another ${flagOfField[field] ?? field}`;
  return new UserError(`${what}, with ${differs}`, { hint, exitCode: exitCodes.refused, cause });
}
