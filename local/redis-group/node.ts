import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "redis";
import { emptyPrivateFile } from "../../runtime/private-file.ts";
import { makeFolder } from "../make-folder.mjs";
import { programOnPath } from "../program.mjs";
import { LocalStackError } from "../store.ts";
import { startStoreProcess } from "../store-process.ts";
import type { GroupNode, NodePlan, RedisGroupOptions } from "./settings.ts";

export const HOST = "127.0.0.1";
const CONFIG = "redis.conf";
/**
 * Bounds against hanging on a node that is suspended, for example: on a busy machine a short reply takes
 * seconds.
 */
const ASK_MS = 30_000;

/** Writes what the node is started with the first time. Later Redis and Sentinel rewrite it themselves. */
export async function prepareNode(plan: NodePlan, options: RedisGroupOptions): Promise<void> {
  makeFolder(plan.dir, 0o700);
  for (const [name, text] of Object.entries(plan.files ?? {})) await writeFile(join(plan.dir, name), text);
  const handle = await emptyPrivateFile(join(plan.dir, CONFIG));
  const lines = [...commonLines(plan, options), ...plan.lines];
  const text = lines.map(([name, ...values]) => `${[name, ...values.map(quoted)].join(" ")}\n`).join("");
  await handle.writeFile(text).finally(() => handle.close());
}

function commonLines({ role, port, dir }: NodePlan, options: RedisGroupOptions): NodePlan["lines"] {
  const { password, user, tls, appendOnly = true } = options;
  return [
    ["bind", HOST],
    ["port", tls === undefined ? String(port) : "0"],
    ["dir", dir],
    ...(tls === undefined
      ? []
      : ([
          ["tls-port", String(port)],
          ["tls-replication", "yes"],
          ["tls-auth-clients", "no"],
          ["tls-ca-cert-file", tls.caFile],
          ["tls-cert-file", tls.certFile],
          ["tls-key-file", tls.keyFile],
        ] as const)),
    ...(password === undefined ? [] : ([["requirepass", password]] as const)),
    ...(role === "sentinel"
      ? []
      : ([
          ["save", ""],
          ["appendonly", appendOnly ? "yes" : "no"],
          ["appendfsync", "always"],
          ["maxmemory-policy", "noeviction"],
          ["repl-diskless-sync-delay", "0"],
          // A replica that does not answer does not keep its master from ending.
          ["shutdown-timeout", "1"],
          ...(password === undefined ? [] : ([["masterauth", password]] as const)),
          ...(user === undefined ? [] : [userLine(user)]),
        ] as const)),
  ];
}

function userLine({
  name,
  password,
  rights = ["~*", "&*", "+@all"],
}: NonNullable<RedisGroupOptions["user"]>) {
  const hash = createHash("sha256").update(password).digest("hex");
  return ["user", name, "on", `#${hash}`, ...rights] as const;
}

/** As Redis reads a value with blanks, quotes or nothing in it. */
function quoted(value: string): string {
  return /^[\w./:-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

export async function startNode(plan: NodePlan, options: RedisGroupOptions): Promise<GroupNode> {
  const program = programOnPath("redis-server");
  if (program === undefined) throw new LocalStackError("redis-server is not on PATH: run `npm run setup`");
  const { role, id, dir, port } = plan;
  const scheme = options.tls === undefined ? "redis" : "rediss";
  const args = role === "sentinel" ? ["--sentinel"] : (options.args ?? []);
  const store = await startStoreProcess(
    {
      kind: "redis",
      origin: "redis-server",
      dir,
      logFile: join(dir, "redis.log"),
      portAdvice: "Stop what uses it, or choose other ports.",
      urlAt: (host, at) => `${scheme}://${host}:${at}`,
      commandAt: () => [program, join(dir, CONFIG), ...args],
      answeringPid: async () => {
        const info = await askOnce(port, options, ["INFO", "server"]).catch(() => "");
        const pid = /process_id:(\d+)/.exec(String(info))?.[1];
        return pid === undefined ? undefined : Number(pid);
      },
    },
    port,
  );
  const ask = (...command: readonly string[]) => askOnce(port, options, command);
  return Object.assign(store, { role, id, ask });
}

async function askOnce(
  port: number,
  { password, tls }: RedisGroupOptions,
  command: readonly string[],
): Promise<unknown> {
  const address = {
    ...{ host: HOST, port },
    ...{ connectTimeout: ASK_MS, socketTimeout: ASK_MS },
    reconnectStrategy: false,
  } as const;
  const client = createClient({
    ...(password === undefined ? {} : { password }),
    socket: tls === undefined ? address : { ...address, tls: true, ca: readFileSync(tls.caFile) },
  });
  client.on("error", () => {}); // `connect` or the command rejects with it
  try {
    await client.connect();
    return await client.sendCommand([...command]);
  } finally {
    client.destroy();
  }
}
