import { createClient, ErrorReply } from "redis";
import { withDeadline } from "../runtime/deadline.ts";
import { answerTo, speaksTls } from "../runtime/port-speech.ts";
import { UserError } from "../runtime/user-error.ts";
import { credentialsOf } from "./redis-client-options.ts";
import { wordsOf } from "./redis-trouble.ts";
import { type Endpoint, hostOf, type RedisAddress } from "./redis-url.ts";

/** The kind of Redis at an address: one server, or a node of a cluster. */
export type RedisKind = "server" | "cluster";

const LEAST_MAJOR = 7;
const ANSWER_WITHIN_MS = 5_000;
/** After so long without an answer, the port is tested for TLS. */
const SILENT_MS = 1_000;

/** Error codes of TLS that only another certificate or another URL can solve. */
const TLS_REFUSAL = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|HOSTNAME_MISMATCH|EPROTO)/;

/**
 * Asks all addresses at once which kind of Redis answers there, and takes the first answer.
 * @throws UserError where waiting does not help: refused credentials or certificate, a Sentinel, a kind that
 * does not fit the list
 * @throws the error of the first address where none answers
 */
export async function askKind(
  address: RedisAddress,
  withinMs: number = ANSWER_WITHIN_MS,
): Promise<RedisKind> {
  const limitMs = Math.max(1, Math.min(ANSWER_WITHIN_MS, Math.round(withinMs)));
  const asked = address.nodes.map((node) => askOne(address, node, limitMs));
  const all = Promise.allSettled(asked);
  try {
    const kind = await Promise.any(asked);
    if (kind === "cluster" && address.database !== 0) {
      throw new UserError("configuration: REDIS_URL: a Redis Cluster has no database but 0");
    }
    if (kind === "cluster" && address.nodes.some((node) => "path" in node)) {
      throw new UserError(
        "configuration: REDIS_URL: what answers at the socket is a node of a Redis Cluster, whose nodes have hosts and ports: give redis://",
      );
    }
    if (kind === "server" && address.nodes.length > 1) {
      throw new UserError(
        `configuration: REDIS_URL lists ${address.nodes.length} addresses, and what answers there is a single Redis, ` +
          "not a node of a Redis Cluster: give one URL",
      );
    }
    return kind;
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    const reasons = (await all).map((one) => (one.status === "rejected" ? one.reason : undefined));
    throw reasons.find((reason) => reason instanceof UserError) ?? reasons[0];
  }
}

async function askOne(address: RedisAddress, node: Endpoint, withinMs: number): Promise<RedisKind> {
  const { socket, ...credentials } = credentialsOf(address);
  const options = { ...socket, ...node, connectTimeout: withinMs, reconnectStrategy: false } as const;
  const client = createClient({ ...credentials, disableOfflineQueue: true, socket: options });
  client.on("error", () => {}); // `connect` rejects with it
  try {
    const hello = async () => {
      await client.connect();
      // Without an argument it changes nothing, and every user may run it.
      return new Map(Object.entries((await client.sendCommand(["HELLO"])) as unknown as Hello));
    };
    const answer = withDeadline(hello(), withinMs, `Redis at ${hostOf(node)}`);
    const said = await otherForm(address, node, answer, Math.min(SILENT_MS, withinMs / 2));
    return kindOf(node, String(said.get("mode")), String(said.get("version")));
  } catch (error) {
    throw refusalOf(error, address, node) ?? error;
  } finally {
    client.destroy();
  }
}

type Hello = { readonly mode: string; readonly version: string };

function kindOf(node: Endpoint, mode: string, version: string): RedisKind {
  if (mode === "sentinel") {
    throw new UserError(
      `configuration: REDIS_URL: ${hostOf(node)} is a Redis Sentinel, not a Redis: give the address of the Redis that it watches, ` +
        "or a name that always leads to its master",
    );
  }
  if (Number.parseInt(version, 10) < LEAST_MAJOR) {
    throw new UserError(
      `configuration: REDIS_URL: Redis ${version} at ${hostOf(node)} is too old: ${LEAST_MAJOR}.0 or newer is needed`,
    );
  }
  return mode === "cluster" ? "cluster" : "server";
}

/**
 * Rejects where the URL names TLS and the port has none, or the reverse. A Redis without TLS does not answer
 * a TLS greeting, and one with TLS closes a connection without. The port is tested only if no answer came for
 * `silentMs`, or the connection failed; otherwise this returns the answer.
 */
async function otherForm<T>(
  { tls }: RedisAddress,
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
  const isOther = tls
    ? /^[+-]/.test((await answerTo("PING\r\n", node, silentMs))?.toString("latin1") ?? "")
    : await speaksTls(node, silentMs);
  if (!isOther) return answer;
  const at = hostOf(node);
  throw new UserError(
    tls
      ? `configuration: REDIS_URL: Redis at ${at} speaks without TLS: redis:// is without it, or see to its TLS`
      : `configuration: REDIS_URL: what answers at ${at} speaks TLS alone: give rediss://`,
  );
}

/** The error in words for the person who gave the URL; undefined: waiting may help. */
function refusalOf(error: unknown, address: RedisAddress, node: Endpoint): UserError | undefined {
  const at = hostOf(node);
  const refuse = (why: string) =>
    new UserError(`configuration: REDIS_URL: ${why}`, undefined, { cause: error });
  if (error instanceof ErrorReply) {
    const user = address.username === undefined ? "" : ` for user ${address.username}`;
    if (error.message.startsWith("NOAUTH"))
      return refuse(`Redis at ${at} asks for a password (NOAUTH), and the URL has none`);
    if (error.message.startsWith("WRONGPASS") || /without any password configured/.test(error.message)) {
      return refuse(`Redis at ${at} refuses the password${user} (${error.message.split(" ", 1)[0]})`);
    }
    if (/DB index is out of range/i.test(error.message)) {
      return refuse(
        `Redis at ${at} has no database ${address.database}: it has 0 to 15 unless its setting "databases" says otherwise; give a lower number after the / of the URL, or none`,
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
