import { checked } from "./setting-kinds.ts";

/** As long as its hash: RFC 2104, section 3. */
const KEY_LENGTH_MIN = 32;

/** The setting by which erased users are recognised; `campaign/erasure/` uses it. */
export const erasureSettings = {
  ERASURE_KEY: checked((text) =>
    text.length < KEY_LENGTH_MIN ? `must have ${KEY_LENGTH_MIN} characters or more` : undefined,
  ).optional(),
};
