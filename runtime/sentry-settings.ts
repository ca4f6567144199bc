import { isSafeUrl } from "./safe-url.ts";
import { isSendable, SENDABLE } from "./setting.ts";
import { checked } from "./setting-kinds.ts";

/** The settings of error reports to Sentry; `server/telemetry/` uses them. */

const DSN_RULE =
  "must be a DSN as Sentry shows it, https://KEY@HOST/PROJECT (http:// on loopback), without a second key, ? and #";
const ENVIRONMENT_LENGTH_MAX = 64;
const RELEASE_LENGTH_MAX = 200;

export const sentrySettings = {
  SENTRY_DSN: checked(dsnTrouble).optional(),
  SENTRY_ENVIRONMENT: checked(nameTrouble(ENVIRONMENT_LENGTH_MAX)).default("production"),
  SENTRY_RELEASE: checked(nameTrouble(RELEASE_LENGTH_MAX)).optional(),
};

/** The key of a DSN names a project; the second one, of old DSNs, is a secret that nothing needs any more. */
function dsnTrouble(text: string): string | undefined {
  if (!URL.canParse(text) || !isSendable(text)) return DSN_RULE;
  const { username, password, protocol, host, pathname } = new URL(text);
  const isKeyed = /^\w+$/.test(username) && password === "" && !/[?#]/.test(text);
  const isWhole = isSafeUrl(`${protocol}//${host}`) && /^(\/[\w.-]+)*\/\d+$/.test(pathname);
  return isKeyed && isWhole ? undefined : DSN_RULE;
}

/** Sentry itself refuses names with slashes. */
function nameTrouble(lengthMax: number): (text: string) => string | undefined {
  return (text) =>
    isSendable(text) && text.length <= lengthMax && !/[\\/]/.test(text)
      ? undefined
      : `must be 1 to ${lengthMax} ${SENDABLE} and slashes`;
}
