import { isIPv6 } from "node:net";
import { MongoClient } from "mongodb";
import { decoded, isKnownOption, USER_FORM } from "./url-secrets.ts";

const PORT_MAX = 65_535;
const ENCODE = "write : / ? # [ ] @ , and % in a user or password as %3A %2F %3F %23 %5B %5D %40 %2C and %25";

/**
 * What is wrong with the value of REDIS_URL, and what is allowed; undefined: nothing. Never repeats a part of
 * it: any part of a malformed URL may be the password.
 */
export function redisUrlTrouble(text: string): string | undefined {
  if (SENTINEL_SCHEME.test(text)) return sentinelTrouble(text);
  const urls = text.split(",");
  for (const [index, url] of urls.entries()) {
    const why = redisTrouble(url, urls.length > 1);
    if (why !== undefined) return urls.length === 1 ? why : `URL ${index + 1} of ${urls.length} ${why}`;
  }
  return undefined;
}

function redisTrouble(text: string, isListed: boolean): string | undefined {
  const form = `redis://${USER_FORM}host[:port][/database], rediss:// for TLS, or redis+unix://${USER_FORM}/path`;
  const parts = /^(rediss?|redis\+unix):\/\/(?:([^@]*)@)?(.*)$/s.exec(text);
  if (parts === null) {
    return SENTINEL_SCHEME.test(text)
      ? "names Sentinels, beside which no other URL stands"
      : `must start with redis://, rediss://, redis+unix://, redis+sentinel:// or rediss+sentinel://, as in ${form}`;
  }
  const [, scheme = "", userInfo, rest = ""] = parts;
  const [, host = "", path = "", query] = /^([^/?#]*)(\/[^?#]*)?(?:\?(.*))?$/s.exec(rest) ?? [];
  const wrong = userTrouble(userInfo, rest);
  if (wrong !== undefined) return wrong;
  if (rest.includes("#")) return `must have no # (${ENCODE})`;
  if (scheme === "redis+unix")
    return socketTrouble(host, path, isListed) ?? redisOptionTrouble(scheme, query);
  const badHost = hostTrouble(host, `is of the form ${form}`);
  if (badHost !== undefined) return badHost;
  if (!/^(\/\d{0,5})?$/.test(path)) return "must have a database number or nothing after its /";
  if (isListed && Number(path.slice(1)) !== 0)
    return "must have no database number: a Redis Cluster has database 0 alone";
  const badOption = redisOptionTrouble(scheme, query);
  if (badOption !== undefined) return badOption;
  return URL.canParse(text) ? undefined : `must be of the form ${form} (${ENCODE})`;
}

function socketTrouble(host: string, path: string, isListed: boolean): string | undefined {
  if (isListed) return "is a socket of this machine: the nodes of a Redis Cluster have hosts and ports";
  return host === "" && path.length > 1 && !decodeTrouble(path)
    ? undefined
    : "must have the absolute path of a socket after redis+unix://, with three slashes";
}

const SENTINEL_SCHEME = /^rediss?\+sentinel:\/\//;

function sentinelTrouble(text: string): string | undefined {
  const form = `redis+sentinel://${USER_FORM}host[:port][,host…]/NAME (rediss+sentinel:// for TLS)`;
  const [, scheme = "", userInfo, rest = ""] = /^(\S+?):\/\/(?:([^@]*)@)?(.*)$/s.exec(text) ?? [];
  const [, hosts = "", path = "", query] = /^([^/?#]*)(\/[^?#]*)?(?:\?(.*))?$/s.exec(rest) ?? [];
  const wrong = userTrouble(userInfo, rest);
  if (wrong !== undefined) return wrong;
  if (rest.includes("#")) return `must have no # (${ENCODE})`;
  for (const host of hosts.split(",")) {
    const bad = hostTrouble(host, `is of the form ${form}`);
    if (bad !== undefined) return bad;
  }
  if (!/^\/(?!\.{1,2}$)[\w.-]{1,100}$/.test(path))
    return `must have the name of the master, as the Sentinels know it, after the / of its hosts: it is of the form ${form}`;
  return redisOptionTrouble(scheme, query);
}

const TLS_OPTIONS = ["ca", "cert", "key", "servername"] as const;
const SENTINEL_OPTIONS = ["db", "sentinelUser", "sentinelPassword"] as const;

/** The options of REDIS_URL, by the schemes that have them. */
const REDIS_OPTIONS = {
  rediss: TLS_OPTIONS,
  redis: [],
  "redis+unix": ["db"],
  "redis+sentinel": SENTINEL_OPTIONS,
  "rediss+sentinel": [...SENTINEL_OPTIONS, ...TLS_OPTIONS],
} as const satisfies Record<string, readonly string[]>;

function redisOptionTrouble(scheme: string, query: string | undefined): string | undefined {
  if (query === undefined) return undefined;
  const allowed: readonly string[] = REDIS_OPTIONS[scheme as keyof typeof REDIS_OPTIONS];
  if (allowed.length === 0)
    return "must have no options after a ?: ca, cert, key and servername belong to rediss://";
  const options = query.split("&").map((option) => option.split("="));
  const names = options.map(([name = ""]) => name);
  const strange = names.findIndex((name) => !allowed.includes(name));
  if (strange >= 0)
    return `has an option that is not known, number ${strange + 1} after its ?: it must be ${allowed.join(", ")}`;
  if (new Set(names).size < names.length) return "has an option twice after its ?";
  for (const [name = "", value = "", ...more] of options) {
    // A blank or a comma would end the value for what finds URLs in a text, such as the redaction of logs.
    if (more.length > 0 || decodeTrouble(value) || /[\s,]/.test(value))
      return `has a value of ${name} that must be encoded (${ENCODE})`;
    const why = optionValueTrouble(name, decoded(value));
    if (why !== undefined) return `has a value of ${name} that ${why}`;
  }
  if (names.includes("sentinelUser") && !names.includes("sentinelPassword"))
    return "must have sentinelPassword beside sentinelUser";
  return names.includes("cert") === names.includes("key") ? undefined : "must have cert and key together";
}

function optionValueTrouble(name: string, value: string): string | undefined {
  if (name === "db") return /^\d{1,5}$/.test(value) ? undefined : "is no database number";
  if (name.startsWith("sentinel")) return value === "" ? "is empty" : undefined;
  if (name === "servername") return /^[\p{L}\p{N}._-]{1,253}$/u.test(value) ? undefined : "is no host name";
  return value.startsWith("/") ? undefined : "is no absolute path";
}

/** The same for MONGODB_URL. The driver decides which options are allowed. */
export function mongodbUrlTrouble(text: string): string | undefined {
  const form = `mongodb://${USER_FORM}host[:port][,host…][/database][?options]`;
  const parts = /^mongodb(\+srv)?:\/\/(?:([^@]*)@)?(.*)$/s.exec(text);
  if (parts === null) return "must start with mongodb:// or mongodb+srv://";
  const [, isSrv, userInfo, rest = ""] = parts;
  const [, hosts = "", database = ""] = /^([^/?#]*)(?:\/([^?#]*))?/s.exec(rest) ?? [];
  const wrong = userTrouble(userInfo, rest);
  if (wrong !== undefined) return wrong;
  if (userInfo?.includes(":", userInfo.indexOf(":") + 1)) return `has a second : before its @ (${ENCODE})`;
  if (rest.includes("#")) return `must have no # (${ENCODE})`;
  for (const host of hosts.split(",")) {
    const bad = host.endsWith(".sock") ? undefined : hostTrouble(host, `is of the form ${form}`);
    if (bad !== undefined) return bad;
  }
  if (isSrv !== undefined && /[,:]/.test(hosts)) return "must have one host and no port after mongodb+srv://";
  if (/[/\\ "$*<>|]/.test(decoded(database)))
    return "must have the name of a database or nothing after the / of its hosts";
  return splitOptionTrouble(rest) ?? optionTrouble(text);
}

/**
 * An unencoded blank, or a comma before a scheme, ends the URL for what finds URLs in a text, such as the
 * redaction of logs: it would show what comes after it.
 */
function splitOptionTrouble(rest: string): string | undefined {
  const options = rest.split("?").slice(1).join("?").split("&");
  const index = options.findIndex((option) => /\s|,[a-z][a-z\d+.-]*:\/\//i.test(option));
  if (index < 0) return undefined;
  const [name = ""] = options[index]?.split("=") ?? [];
  const where = isKnownOption(name) ? `a value of ${name}` : `an option, number ${index + 1} after its ?,`;
  return `has ${where} that must be encoded (write a blank as %20, and a comma before a scheme as %2C)`;
}

/**
 * A known option is named; any other is given by its position, because an unknown name may be a part of a
 * password.
 */
function optionTrouble(text: string): string | undefined {
  if (isAccepted(text)) return undefined;
  const [before = "", query = ""] = text.split("?");
  const options = query.split("&");
  const without = (index: number) => options.filter((_, other) => other !== index).join("&");
  const index = options.findIndex((_, at) => isAccepted(`${before}?${without(at)}`));
  const [name = ""] = options[index]?.split("=") ?? [];
  if (index < 0) return "has options after its ? that the MongoDB driver does not take beside each other";
  return isKnownOption(name)
    ? `has a value of ${name} that the MongoDB driver does not take here`
    : `has an option that the MongoDB driver does not know: number ${index + 1} after its ?`;
}

/** Makes a client and opens no connection. */
function isAccepted(url: string): boolean {
  try {
    new MongoClient(url);
    return true;
  } catch {
    return false;
  }
}

function userTrouble(userInfo: string | undefined, rest: string): string | undefined {
  if (rest.includes("@")) return `must have one @ at most, between user and host (${ENCODE})`;
  if (userInfo === undefined) return undefined;
  if (/[/?#[\],\s]/.test(userInfo)) return `has a character before its @ that must be encoded (${ENCODE})`;
  // A percent sign that begins no escape.
  return /%(?![\da-f]{2})/i.test(userInfo) || decodeTrouble(userInfo)
    ? `has a % before its @ that is no escape (${ENCODE})`
    : undefined;
}

function decodeTrouble(text: string): boolean {
  try {
    decodeURIComponent(text);
    return false;
  } catch {
    return true;
  }
}

function hostTrouble(text: string, form: string): string | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/s.exec(text) ?? [];
  const isHost = bracketed === undefined ? /^[\p{L}\p{N}._~-]{1,253}$/u.test(plain ?? "") : isIPv6(bracketed);
  if (!isHost) return `must name a host (a name, an IPv4 address, or an IPv6 address in [ ]): it ${form}`;
  const isPort =
    port === undefined || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= PORT_MAX);
  return isPort ? undefined : `must have a port from 1 to ${PORT_MAX} after the : of its host, or none`;
}
