import { ErrorReply } from "redis";
import { withDeadline } from "../runtime/deadline.ts";
import { UserError } from "../runtime/user-error.ts";
import type { SentinelAnswer } from "./believed-master.ts";
import { missingRightIn } from "./missing-right.ts";
import { greet, type PlainClient } from "./redis-greeting.ts";
import { hostOf, type NodeAddress, type RedisAddress, type Sentinels } from "./redis-url.ts";

/** The connection to one Sentinel: opened with the first question, and again after it is lost. */
export type SentinelLink = {
  /**
   * undefined: it does not know the master. @throws UserError where waiting does not help
   */
  ask(withinMs: number): Promise<SentinelAnswer | undefined>;
  close(): void;
};

export function createSentinelLink(
  address: RedisAddress,
  sentinels: Sentinels,
  node: NodeAddress,
): SentinelLink {
  const { username: _user, password: _password, ...rest } = address;
  const { username, password, master } = sentinels;
  const own: RedisAddress = {
    ...{ ...rest, database: 0 },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
  let opened: Promise<PlainClient> | undefined;

  async function open(withinMs: number): Promise<PlainClient> {
    const { client, greeting } = await greet(own, node, withinMs);
    if (greeting.mode === "sentinel") return client;
    client.destroy();
    throw new UserError(
      `configuration: REDIS_URL: what answers at ${hostOf(node)} is a Redis, not a Sentinel: give the ports of the Sentinels, or redis:// for a Redis without them`,
    );
  }

  function forget(used: Promise<PlainClient> | undefined): void {
    if (opened === used) opened = undefined;
    used?.then((client) => client.destroy()).catch(() => {});
  }

  return {
    async ask(withinMs) {
      opened ??= open(withinMs);
      const used = opened;
      try {
        return await withDeadline(answerOf(await used, master), withinMs, `the Sentinel at ${hostOf(node)}`);
      } catch (error) {
        if (error instanceof ErrorReply && /no such master/i.test(error.message)) return undefined;
        forget(used);
        throw refusalOf(error, node) ?? error;
      }
    },
    close: () => forget(opened),
  };
}

/**
 * The address and the epoch come from two commands: during a failover MASTER still has the old address beside
 * the new epoch. Asked in this order, the address is never older than the epoch.
 */
async function answerOf(client: PlainClient, master: string): Promise<SentinelAnswer | undefined> {
  const [facts, address] = await Promise.all([
    client.sendCommand(["SENTINEL", "MASTER", master]) as Promise<unknown>,
    client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master]) as Promise<unknown>,
  ]);
  const [host, port] = (address ?? []) as readonly string[];
  if (host === undefined) return undefined;
  const [at, epoch] = [Number(port), Number(Object(facts)["config-epoch"])];
  // No real Sentinel answers so; something in its place must not silence the others.
  if (host === "" || !(at > 0 && at < 65_536) || !Number.isSafeInteger(epoch))
    throw new Error(`its answer about ${master} has no address, port or config-epoch`);
  return { master: { host, port: at }, epoch };
}

/** A refusal for want of a right in words for the person who gave the URL. */
function refusalOf(error: unknown, node: NodeAddress): UserError | undefined {
  if (!(error instanceof ErrorReply) || missingRightIn(error.message) === undefined) return undefined;
  return new UserError(
    `configuration: REDIS_URL: the Sentinel at ${hostOf(node)} refuses a question (${error.message}); grant +sentinel|master +sentinel|get-master-addr-by-name (ACL SETUSER)`,
    undefined,
    { cause: error },
  );
}
