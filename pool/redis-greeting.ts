import { createClient, ErrorReply } from "redis";
import { withDeadline } from "../runtime/deadline.ts";
import { answerTo, speaksTls } from "../runtime/port-speech.ts";
import { UserError } from "../runtime/user-error.ts";
import { credentialsOf } from "./redis-client-options.ts";
import { wordsOf } from "./redis-trouble.ts";
import { type Endpoint, hostOf, type RedisAddress } from "./redis-url.ts";

/** What a Redis, a Valkey or a Sentinel says of itself in its reply to HELLO. */
export type Greeting = {
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string;
  readonly version: string;
  /** `master` or `replica`; empty where it says none. */
  readonly role: string;
};

export const LEAST_MAJOR = 7;
/** After so long without an answer, the port is tested for TLS. */
const SILENT_MS = 1_000;

/** Error codes of TLS that only another certificate or another URL can solve. */
const TLS_REFUSAL = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|HOSTNAME_MISMATCH|EPROTO)/;

/** A client with one connection, which is not replaced when it is lost. */
export type PlainClient = ReturnType<typeof clientAt>;

function clientAt(address: RedisAddress, node: Endpoint, withinMs: number) {
  const { socket, ...credentials } = credentialsOf(address);
  const options = { ...socket, ...node, connectTimeout: withinMs, reconnectStrategy: false } as const;
  const client = createClient({ ...credentials, disableOfflineQueue: true, socket: options });
  client.on("error", () => {}); // `connect`, or the command under way, rejects with it
  return client;
}

/**
 * Connects to one node with the credentials of the address. The caller destroys the client.
 * @throws UserError where waiting does not help: refused credentials or certificate, TLS on one side alone
 */
export async function greet(
  address: RedisAddress,
  node: Endpoint,
  withinMs: number,
): Promise<{ readonly client: PlainClient; readonly greeting: Greeting }> {
  const client = clientAt(address, node, withinMs);
  try {
    const hello = client.connect().then(() => askGreeting((args) => client.sendCommand([...args])));
    const answer = withDeadline(hello, withinMs, `Redis at ${hostOf(node)}`);
    const greeting = await otherForm(address, node, answer, Math.min(SILENT_MS, withinMs / 2));
    return { client, greeting };
  } catch (error) {
    client.destroy();
    throw refusalOf(error, address, node) ?? error;
  }
}

/** HELLO without an argument changes nothing, and every user may run it. */
export async function askGreeting(send: (command: readonly string[]) => Promise<unknown>): Promise<Greeting> {
  const said = new Map(Object.entries(Object(await send(["HELLO"]))));
  const text = (name: string) => String(said.get(name) ?? "");
  return { mode: text("mode"), version: text("version"), role: text("role") };
}

/**
 * Rejects where the URL names TLS and the port has none, or the reverse. A Redis without TLS does not answer
 * a TLS greeting, and one with TLS closes a connection without. The port is tested only if no answer came for
 * `silentMs`, or the connection failed; otherwise this returns the answer.
 */
async function otherForm<T>(
  address: RedisAddress,
  node: Endpoint,
  answer: Promise<T>,
  silentMs: number,
): Promise<T> {
  const silent = withDeadline(answer, silentMs, "Redis");
  const isAnswered = await silent.then(
    () => true,
    (error: unknown) => error instanceof ErrorReply,
  );
  if (isAnswered || "path" in node) return answer;
  const isOther = address.tls
    ? /^[+-]/.test((await answerTo("PING\r\n", node, silentMs))?.toString("latin1") ?? "")
    : await speaksTls(node, silentMs);
  if (!isOther) return answer;
  const name = nameOf(address, node);
  const kind = address.sentinels === undefined ? "" : "+sentinel";
  throw new UserError(
    address.tls
      ? `configuration: REDIS_URL: ${name} speaks without TLS: redis${kind}:// is without it, or see to its TLS`
      : `configuration: REDIS_URL: what answers at ${hostOf(node)} speaks TLS alone: give rediss${kind}://`,
  );
}

function isSentinel({ sentinels }: RedisAddress, node: Endpoint): boolean {
  return sentinels?.nodes.some((one) => one === node) === true;
}

function nameOf(address: RedisAddress, node: Endpoint): string {
  return `${isSentinel(address, node) ? "the Sentinel" : "Redis"} at ${hostOf(node)}`;
}

/** The error in words for the person who gave the URL; undefined: waiting may help. */
function refusalOf(error: unknown, address: RedisAddress, node: Endpoint): UserError | undefined {
  const at = hostOf(node);
  const name = nameOf(address, node);
  const refuse = (why: string) =>
    new UserError(`configuration: REDIS_URL: ${why}`, undefined, { cause: error });
  if (error instanceof ErrorReply) {
    const own = isSentinel(address, node) ? ": its option sentinelPassword" : "";
    const user = address.username === undefined ? "" : ` for user ${address.username}`;
    if (error.message.startsWith("NOAUTH"))
      return refuse(`${name} asks for a password (NOAUTH), and the URL has none${own}`);
    if (error.message.startsWith("WRONGPASS") || /without any password configured/.test(error.message)) {
      return refuse(`${name} refuses the password${user} (${error.message.split(" ", 1)[0]})${own}`);
    }
    if (/DB index is out of range/i.test(error.message)) {
      return refuse(
        `${name} has no database ${address.database}: it has 0 to 15 unless its setting "databases" says otherwise; give a lower number after the / of the URL, or none`,
      );
    }
    if (/unknown command .?HELLO/i.test(error.message)) {
      return refuse(`what answers at ${at} is older than Redis ${LEAST_MAJOR}.0, or no Redis`);
    }
    return undefined;
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!address.tls || !TLS_REFUSAL.test(code)) return undefined;
  const help = /SSL|EPROTO/.test(code)
    ? "is TLS spoken there? redis:// is without it"
    : "?ca=/path after the URL, or NODE_EXTRA_CA_CERTS, names a file of further authorities to trust";
  return refuse(`no TLS connection to ${at}: ${wordsOf(error)} (${code}); ${help}`);
}
