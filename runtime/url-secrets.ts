/** Replaces a secret in a text. */
export const REDACTED = "[redacted]";

const namesIn = (...lists: string[]) => new Set(lists.join().toLowerCase().split(","));

/**
 * Options of a store's URL whose values help a reader and give no access. All other options count as secret.
 */
const HARMLESS_OPTIONS = namesIn(
  "appName,authMechanism,authSource,ca,cert,compressors,connectTimeoutMS,db,directConnection,family,heartbeatFrequencyMS,journal",
  "key,loadBalanced,localThresholdMS,maxIdleTimeMS,maxPoolSize,maxStalenessSeconds,minPoolSize,proxyHost,proxyPort,readConcernLevel",
  "readPreference,replicaSet,retryReads,retryWrites,servername,serverMonitoringMode,serverSelectionTimeoutMS,socketTimeoutMS",
  "srvMaxHosts,srvServiceName,ssl,timeoutMS,tls,tlsCAFile,tlsCertificateKeyFile,tlsInsecure,w,waitQueueTimeoutMS,wtimeoutMS",
);

/** Options whose values are secret and whose names are shown, because it helps to see that they are set. */
const SECRET_OPTIONS = namesIn(
  "tlsCertificateKeyFilePassword,authMechanismProperties,proxyUsername,proxyPassword,password,sentinelUser,sentinelPassword",
);

const LISTED_URL = /,(?=[a-z][a-z\d+.-]*:\/\/)/i;
/** One host or several, each with or without a port. */
const HOSTS =
  /^(?:\[[\da-f:.%]+\]|[\p{L}\p{N}_.~%*-]+)(?::\d{1,5})?(?:,(?:\[[\da-f:.%]+\]|[\p{L}\p{N}_.~%-]+)(?::\d{1,5})?)*/iu;
const SOCKET_PATH = /^\/[^?#@\s]+/;
/** What may follow a host: the rest of its URL, or the punctuation of a sentence. */
const AFTER_HOSTS = /^(?:$|[/?#"'`<>(){};,.!…|\\\]])/u;
const URL_IN_TEXT = /\b([a-z][a-z\d+.-]*:\/\/)(\S+)/giu;
/** Where the forms of URLs in our own advice have the user: `redis://[user:password@]host[:port]`. */
export const USER_FORM = "[user:password@]";
const FORMS = [`${USER_FORM}host[`, `${USER_FORM}/path`];
/** What follows a scheme without a URL, as in "begins with redis://, or rediss://". */
const ONLY_SCHEME = /^["'`)\],;.!…]*$/u;
/**
 * The parts of a command that a store repeats in its error: codes, users, and the password of a HELLO or AUTH
 * that a Redis does not support.
 */
const REPEATED = /(?<=dup key: |args beginning with: ).*$/gim;

/** The text without what its shape shows to be secret: in URLs, and what a store repeats of a command. */
export function redactShapes(text: string): string {
  return redactUrls(text.replace(REPEATED, REDACTED));
}

/**
 * The text without the secrets in its URLs, found by shape alone: user, password, and the value of every
 * option that is not listed as harmless. Of a malformed URL only the scheme is shown.
 */
export function redactUrls(text: string): string {
  return text.replace(URL_IN_TEXT, (url, scheme: string, rest: string) => {
    // Stack traces: `file:///…/node_modules/@redis/client/…`.
    if (
      scheme.toLowerCase() === "file://" ||
      ONLY_SCHEME.test(rest) ||
      FORMS.some((form) => rest.startsWith(form))
    )
      return url;
    return `${scheme}${rest}`
      .split(LISTED_URL)
      .map((listed) => redactUrl(listed))
      .join(",");
  });
}

function redactUrl(url: string): string {
  const { scheme, userInfo, rest } = partsOf(url);
  const hosts = placeOf(scheme, rest);
  if (!isUserInfo(userInfo) || hosts === "" || !AFTER_HOSTS.test(rest.slice(hosts.length)))
    return `${scheme}${REDACTED}`;
  const [path = "", query] = cutAt(rest, "?");
  const user = userInfo === undefined ? "" : `${REDACTED}@`;
  const options = query === undefined ? "" : `?${query.split(/[&#]/).map(redactOption).join("&")}`;
  return `${scheme}${user}${path}${options}`;
}

function redactOption(option: string): string {
  const [name = "", value] = cutAt(option, "=");
  if (isIn(HARMLESS_OPTIONS, name) || option === "") return option;
  return value !== undefined && isIn(SECRET_OPTIONS, name) ? `${name}=${REDACTED}` : REDACTED;
}

/**
 * Every text that is secret in a setting that holds one URL or several, parsable or not: the password (a user
 * where there is none), the values of options. Of a malformed URL, whose parts cannot be identified, also all
 * pieces of what may be a secret.
 */
export function secretsOfUrls(setting: string): string[] {
  const listed = setting.split(LISTED_URL);
  const found = listed.flatMap(secretsOfUrl);
  // What looks like a list may be a password with a comma in it.
  if (listed.length > 1 && !listed.every(isWellFormed)) found.push(...secretsOfUrl(setting));
  return [...new Set(found)].filter((secret) => secret !== "");
}

function secretsOfUrl(url: string): string[] {
  const { userInfo, rest, all } = partsOf(url);
  const options = (cutAt(rest, "?")[1] ?? "").split(/[&#]/).flatMap((option) => {
    const [name = "", value] = cutAt(option, "=");
    if (isIn(HARMLESS_OPTIONS, name)) return [];
    if (value === undefined) return [option];
    // A password with `&` in it makes an option with an unknown name.
    const names = isIn(SECRET_OPTIONS, name) ? [] : [name];
    // Some values hold several secrets: `authMechanismProperties=AWS_SESSION_TOKEN:…,SERVICE_NAME:…`.
    const parts = decoded(value).split(",");
    return [...names, value, ...parts.flatMap((part) => [part, cutAt(part, ":")[1] ?? ""])];
  });
  const [user = "", password] = cutAt(userInfo ?? "", ":");
  // With a second colon, the first may be a part of the user.
  const own = [password || user, ...(password ?? "").split(":").slice(1), ...options];
  // A URL without a scheme may be well-formed too: `localhost:6379` has no part that could be secret.
  if (isWellFormed(url) || isWellFormed(`redis://${url}`)) return own;
  return [...own, all, userInfo ?? "", ...all.split(/[:@/?#,&=\s]+/).filter((piece) => piece.length >= 4)];
}

/** The hosts of the well-formed URLs in a setting: these may be shown. */
export function hostsOfUrls(setting: string): string[] {
  return setting
    .split(LISTED_URL)
    .filter(isWellFormed)
    .map((url) => {
      const { scheme, rest } = partsOf(url);
      return placeOf(scheme, rest);
    });
}

function isWellFormed(url: string): boolean {
  const { scheme, userInfo, rest } = partsOf(url);
  const hosts = placeOf(scheme, rest);
  return (
    scheme !== "" && isUserInfo(userInfo) && hosts !== "" && /^(?:$|[/?#])/.test(rest.slice(hosts.length))
  );
}

/** The hosts, or the path of a socket; empty: there are none. */
function placeOf(scheme: string, rest: string): string {
  const place = /\+unix:/i.test(scheme) ? SOCKET_PATH : HOSTS;
  return place.exec(rest)?.[0] ?? "";
}

/** With one of these characters before an `@`, it is unclear which part of the URL is the user. */
function isUserInfo(text: string | undefined): boolean {
  return text === undefined || !/[/?#,\s[\]]/.test(text);
}

/** The last `@` ends the user: an earlier one is a part of a password that was not encoded. */
function partsOf(url: string): { scheme: string; userInfo: string | undefined; rest: string; all: string } {
  const [, scheme = "", all = ""] = /^([a-z][a-z\d+.-]*:\/\/)?(.*)$/is.exec(url) ?? [];
  const at = all.lastIndexOf("@");
  return { scheme, userInfo: at < 0 ? undefined : all.slice(0, at), rest: all.slice(at + 1), all };
}

function isIn(options: ReadonlySet<string>, name: string): boolean {
  return options.has(name.toLowerCase());
}

function cutAt(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** The text with its percent escapes resolved; unchanged where one of them is invalid. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether the name is that of a known option, and so no part of a secret. */
export function isKnownOption(name: string): boolean {
  return isIn(HARMLESS_OPTIONS, name) || isIn(SECRET_OPTIONS, name);
}
