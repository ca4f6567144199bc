import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Input } from "./command.ts";
import { isRelative, parseInstant } from "./instant.ts";
import { serverNowMs } from "./server-clock.ts";
import type { Session } from "./session.ts";

const daysMax = 3_650;
const redemptionsMax = 1_000;

/** The rules of the flags; empty: none was given. */
export async function readRedemptionRules(session: Session, input: Input) {
  const from = await instantIn(session, input, "--valid-from");
  const until = await instantIn(session, input, "--valid-until");
  const validDays = input.wholeNumber("--valid-days", 1, daysMax);
  const maxRedemptions = input.wholeNumber("--max-redemptions", 1, redemptionsMax);
  const boundToUser = input.flag("--bound-to-user") ?? false;
  const given = [from, until, validDays, maxRedemptions].some((one) => one !== undefined) || boundToUser;
  if (!given) return {};
  return {
    redemption: {
      ...(from === undefined ? {} : { validFrom: timestampFromMs(from) }),
      ...(until === undefined ? {} : { validUntil: timestampFromMs(until) }),
      ...{ validDays: validDays ?? 0, boundToUser, maxRedemptions: maxRedemptions ?? 0 },
    },
  };
}

async function instantIn(session: Session, input: Input, option: string): Promise<number | undefined> {
  const text = input.text(option);
  if (text === undefined) return undefined;
  parseInstant(text, 0, option);
  return parseInstant(text, isRelative(text) ? await serverNowMs(session) : 0, option).epochMs;
}
