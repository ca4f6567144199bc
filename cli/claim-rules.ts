import { ClaimAuth } from "../proto/gen/coupon/v1/campaign_pb.ts";
import type { Input } from "./command.ts";
import { UserError } from "./user-error.ts";

const maxPerUserMost = 100;

/** The request's rule about users. */
export function perUserOf(input: Input): { onePerUser: boolean; maxPerUser: number } {
  const maxPerUser = input.wholeNumber("--max-per-user", 1, maxPerUserMost) ?? 0;
  const onePerUser = input.flag("--one-per-user") ?? maxPerUser === 1;
  if (onePerUser && maxPerUser > 1)
    throw new UserError("--one-per-user and --max-per-user contradict each other", {
      hint: "--max-per-user 1 is --one-per-user",
    });
  return { onePerUser, maxPerUser: maxPerUser > 1 ? maxPerUser : 0 };
}

const claimAuths: Readonly<Record<string, ClaimAuth>> = {
  open: ClaimAuth.OPEN,
  key: ClaimAuth.KEY,
  token: ClaimAuth.TOKEN,
};

export function claimAuthOf(text: string | undefined): ClaimAuth {
  if (text === undefined) return ClaimAuth.UNSPECIFIED;
  const found = claimAuths[text];
  if (found !== undefined) return found;
  throw new UserError(`--claim-auth: "${text}" is none`, { hint: "give open, key or token" });
}
