import { createClient } from "redis";
import { campaignKeys } from "../../pool/keys.ts";

/** A plain client, independent of the product's, to read the keys and to damage them. */
export type RawRedis = Awaited<ReturnType<typeof openRawRedis>>;

/** `reconnectEveryMs`: default: increasing pauses, as the client library has them. */
export async function openRawRedis(url: string, reconnectEveryMs?: number) {
  const socket = reconnectEveryMs === undefined ? {} : { reconnectStrategy: reconnectEveryMs };
  const client = createClient({ url, socket });
  client.on("error", () => undefined); // a store that is killed on purpose; the calls to it reject anyway
  await client.connect();
  return client;
}

/** All keys of one campaign in Redis; of `meta` without `loadedAt`, an instant on the clock of Redis. */
export type PoolContents = {
  readonly meta: Record<string, string>;
  readonly staged: string[];
  readonly open: string[];
  readonly away: string[];
  readonly claims: Record<string, string>;
  readonly ledger: { readonly id: string; readonly message: Record<string, string> }[];
  readonly loading: Record<string, string>;
  readonly loadingCodes: string[];
  readonly loadingClaims: Record<string, string>;
};

export async function contentsOf(raw: RawRedis, campaignId: string): Promise<PoolContents> {
  const k = campaignKeys(campaignId);
  const plain = (hash: Record<string, string>) => ({ ...hash });
  const [meta, staged, open, away, claims, ledger, loading, loadingCodes, loadingClaims] = await Promise.all([
    raw.hGetAll(k.meta),
    raw.lRange(k.staged, 0, -1),
    raw.lRange(k.open, 0, -1),
    raw.lRange(k.away, 0, -1),
    raw.hGetAll(k.claims),
    raw.xRange(k.ledger, "-", "+"),
    raw.hGetAll(k.loading),
    raw.lRange(k.loadingCodes, 0, -1),
    raw.hGetAll(k.loadingClaims),
  ]);
  return {
    meta: withoutLoadedAt(meta),
    staged,
    open,
    away,
    claims: plain(claims),
    ledger: (ledger ?? []).map(({ id, message }) => ({ id, message: plain(message) })),
    loading: plain(loading),
    loadingCodes,
    loadingClaims: plain(loadingClaims),
  };
}

function withoutLoadedAt({ loadedAt: _, ...rest }: Record<string, string>): Record<string, string> {
  return rest;
}

/** The fence token that the scripts should see on this Redis, read independently of them. */
export async function tokenOf(raw: RawRedis): Promise<string> {
  const runId = /run_id:(\S+)/.exec(await raw.info("server"))?.[1];
  const replicationId = /master_replid:(\S+)/.exec(await raw.info("replication"))?.[1];
  return `${runId}-${replicationId}`;
}
