import type { RabbitMqSettings } from "../../record/event-documents.ts";
import { hostOf } from "../../runtime/loopback.ts";
import type { Targets } from "./targets.ts";

/** A broker, and who asks it. */
export type RabbitMqAddress = {
  readonly isEncrypted: boolean;
  readonly host: string;
  readonly port: number;
  /** undefined: RabbitMQ's own `guest`, who may come from the broker's machine only. */
  readonly user: { readonly name: string; readonly password: string } | undefined;
  readonly vhost: string;
};

const PORTS = { "amqp:": 5_672, "amqps:": 5_671 } as const;
const URL_LENGTH_MAX = 2_000;
/** Source: AMQP 0-9-1, exchange-name; a companion's name must fit into 127 characters, too. */
const EXCHANGE = /^(?!amq\.)[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}$/;

/** Source: RabbitMQ URI Specification. undefined: the text is no such URL. */
export function rabbitMqAddress(text: string): RabbitMqAddress | undefined {
  const [, scheme = "", rest = ""] = /^(amqps?:)\/\/([^\s?#]+)$/.exec(text) ?? [];
  if (scheme === "" || text.length > URL_LENGTH_MAX) return undefined;
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const at = authority.lastIndexOf("@");
  // The rules of http: a host such as 0x7f.1 becomes the address that it stands for.
  const [, hostText = "", portText] = /^(.*?)(?::(\d{1,5}))?$/.exec(authority.slice(at + 1)) ?? [];
  // One host: a list of them is none.
  const host = hostText.includes(",") ? undefined : hostOf(hostText);
  const port = portText === undefined ? PORTS[scheme as keyof typeof PORTS] : Number(portText);
  const user = at < 0 ? undefined : userOf(authority.slice(0, at));
  const vhost = decoded(slash < 0 || slash === rest.length - 1 ? "%2F" : rest.slice(slash + 1));
  if (host === undefined || hostText.includes("@") || port < 1 || port > 65_535) return undefined;
  if ((at >= 0 && user === undefined) || vhost === undefined) return undefined;
  return { isEncrypted: scheme === "amqps:", host: host.replace(/^\[(.*)\]$/, "$1"), port, user, vhost };
}

function userOf(text: string): RabbitMqAddress["user"] {
  const [, nameText = "", passwordText = ""] = /^([^:@/]+):([^@/]*)$/.exec(text) ?? [];
  const [name, password] = [decoded(nameText), decoded(passwordText)];
  return name === undefined || name === "" || password === undefined ? undefined : { name, password };
}

/** undefined: it is not encoded as a part of a URL is. */
function decoded(text: string): string | undefined {
  try {
    return text.includes("/") ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Why a URL is none of a broker that events may go to; undefined: it is one. Never repeats it. */
export function rabbitMqUrlTrouble(text: string, targets: Targets): string | undefined {
  const address = rabbitMqAddress(text);
  if (address === undefined)
    return "must be amqps://[user:password@]host[:port][/vhost], or amqp:// to this machine or a listed one; what has a meaning in URLs is encoded (%2F), there is no ? and no #";
  return targets.troubleOf(address.host, address.isEncrypted);
}

/** What is wrong with the settings, with the field's name and without its value; undefined: nothing. */
export function rabbitMqTrouble({ url, exchange }: RabbitMqSettings, targets: Targets): string | undefined {
  const ofUrl = rabbitMqUrlTrouble(url, targets);
  if (ofUrl !== undefined) return `url: ${ofUrl}`;
  return EXCHANGE.test(exchange)
    ? undefined
    : "exchange: must be 1 to 100 letters, digits, _, ., : or -, and not begin with amq.";
}
