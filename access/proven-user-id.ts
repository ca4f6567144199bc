import { invalid, type Valid, valid, validKey } from "../campaign/valid.ts";

/** Characters that nobody sees: two ids that look the same must not be two users. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]|^\p{White_Space}|\p{White_Space}$/u;
const PLAIN = /^[\x21-\x7e]{1,128}$/;

/**
 * The user id that a token proves or a backend vouches for, in Unicode's form NFC: each user is one text,
 * however a program composed it. An id with invisible characters, or a blank at an end, is refused and not
 * shortened, since the shorter one may be another user.
 */
export function provenUserId(value: string): Valid<string> {
  if (PLAIN.test(value)) return valid(value);
  const userId = value.normalize("NFC");
  if (INVISIBLE.test(userId))
    return invalid("user_id", "must have no invisible characters (Unicode: Cf), and no blank at an end");
  return validKey("user_id", userId);
}
