import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createContext, runInContext } from "node:vm";
import { Double, deserialize, serialize } from "bson";
import { createConnectionGuard } from "../../local/connection-guard.mjs";
import { createScram } from "../../local/scram.mjs";
import {
  bodyOf,
  commandOf,
  isOpMsg,
  legacyReplyOf,
  MessageReader,
  messageOf,
  requestIdOf,
} from "../../local/wire-message.mjs";

/**
 * Stands in for a replica set of mongods, which no machine of this project has: the scripts of deploy/ run
 * against it, and what a driver sees is a replica set (hello, replSetGetStatus, passwords). The
 * primary's data are in the embedded engine; the others refuse all that a secondary refuses.
 */
export type ReplicaSet = {
  /** Runs what mongosh runs in a container; resolves with its exit code. */
  runScript(text: string, readFile: (path: string) => string): number;
  /** Whether a member is primary or secondary, as its healthcheck asks. */
  readonly isMade: boolean;
  /** The users that the scripts have made, with their rights. */
  readonly users: ReadonlyMap<string, { readonly pwd: string; readonly roles: unknown }>;
  close(): Promise<void>;
};

type User = { readonly user: string; readonly pwd: string; readonly roles: unknown };
type Conf = {
  readonly _id: string;
  readonly members: readonly { readonly _id: number; readonly host: string }[];
};
type Command = { readonly replSetInitiate?: Conf; readonly replSetGetStatus?: number };

const PORT = 27_017;
const PRIMARY = 1;
const SECONDARY = 2;
const NOT_PRIMARY = {
  ok: new Double(0),
  code: 10_107,
  codeName: "NotWritablePrimary",
  errmsg: "not primary",
};

export type ReplicaSetOptions = {
  /** The name that the command of each member gives. */
  readonly name: string;
  /** The hosts of the members, and the address of each here. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly engine: { readonly host: string; readonly port: number };
};

export async function startReplicaSet({ name, addresses, engine }: ReplicaSetOptions): Promise<ReplicaSet> {
  const users = new Map<string, User>();
  const sockets = new Set<Socket>();
  let conf: Conf | undefined;

  const here = (host: string) => `${addresses.get(host.replace(/:\d+$/, ""))}:${PORT}`;
  const members = () =>
    (conf?.members ?? []).map(({ _id, host }, index) => {
      const state = index === 0 ? PRIMARY : SECONDARY;
      return { _id, name: here(host), health: 1, state, stateStr: index === 0 ? "PRIMARY" : "SECONDARY" };
    });
  const status = () =>
    conf === undefined
      ? {
          ok: new Double(0),
          code: 94,
          codeName: "NotYetInitialized",
          errmsg: "no replset config has been received",
        }
      : { ok: new Double(1), set: name, members: members(), writeMajorityCount: 2, majorityVoteCount: 2 };
  const asMember = (me: string, hello: Record<string, unknown>) => {
    const { topologyVersion: _, ...rest } = hello;
    if (conf === undefined) return { ...rest, isWritablePrimary: false, ismaster: false, isreplicaset: true };
    const [primary] = members();
    const isPrimary = primary?.name === me;
    return {
      ...rest,
      ...{
        setName: name,
        setVersion: 1,
        hosts: members().map((one) => one.name),
        me,
        primary: primary?.name,
      },
      ...{ isWritablePrimary: isPrimary, ismaster: isPrimary, secondary: !isPrimary },
      saslSupportedMechs: ["SCRAM-SHA-256"],
    };
  };

  /** The reply of a member itself; undefined: the engine's, changed by `asMember` where it is a hello. */
  function ownReply(me: string, command: string): object | undefined {
    if (command === "replSetGetStatus") return status();
    const isSecondary = members()[0]?.name !== me;
    return isSecondary && !HELLO.has(command) && !OF_ALL.has(command) ? NOT_PRIMARY : undefined;
  }

  const servers: Server[] = [];
  for (const [host, address] of addresses) {
    const me = here(host);
    const server = createServer({ noDelay: true }, (client) => {
      const upstream = connect({ ...engine, noDelay: true });
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      const { pwd = "" } = users.get("coupons") ?? {};
      const guard = createConnectionGuard(createScram("coupons", pwd));
      const [requests, replies] = [new MessageReader(), new MessageReader()];
      const hellos = new Set<number>();
      client.on("data", (chunk) => {
        requests.push(chunk);
        for (let message = requests.next(); message !== undefined; message = requests.next()) {
          // The handshake may come in the older form, which the engine answers, too.
          const command = commandOf(message)?.name ?? "isMaster";
          const guarded = isOpMsg(message) ? guard(command, message) : undefined;
          const own = guarded === undefined ? ownReply(me, command) : undefined;
          const reply = guarded ?? (own === undefined ? undefined : serialize(own));
          if (reply !== undefined) {
            client.write(messageOf(reply, { id: 1, responseTo: requestIdOf(message) }));
            continue;
          }
          if (HELLO.has(command)) hellos.add(requestIdOf(message));
          upstream.write(message);
        }
      });
      upstream.on("data", (chunk) => {
        replies.push(chunk);
        for (let message = replies.next(); message !== undefined; message = replies.next()) {
          const responseTo = message.readInt32LE(8);
          if (!hellos.delete(responseTo)) client.write(message);
          else client.write(helloOf(message, responseTo, (hello) => asMember(me, hello)));
        }
      });
    });
    server.listen(PORT, address);
    await once(server, "listening");
    servers.push(server);
  }

  return {
    users,
    get isMade() {
      return conf !== undefined;
    },
    runScript(text, readFile) {
      let code: number | undefined;
      const admin = {
        createRole: () => {},
        createUser: (user: User) => void users.set(user.user, user),
        runCommand({ replSetInitiate }: Command) {
          // A shell reads a double as a number.
          if (replSetInitiate === undefined) return { ...status(), ok: Number(status().ok) };
          if (replSetInitiate._id !== name)
            throw new Error(`--replSet is ${name}, not ${replSetInitiate._id}`);
          conf = replSetInitiate;
          return { ok: 1 };
        },
      };
      const context = createContext({
        db: { getSiblingDB: () => admin },
        connect: () => admin,
        require: () => ({ readFileSync: readFile }),
        print: () => {},
        sleep: () => {},
        quit: (given: number) => {
          code = given;
        },
      });
      runInContext(text, context, { timeout: 10_000 });
      return code ?? 0;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) {
        server.close();
        await once(server, "close");
      }
    },
  };
}

const HELLO = new Set(["hello", "isMaster", "ismaster"]);
/** What a secondary answers like a primary. */
const OF_ALL = new Set(["ping", "buildInfo", "buildinfo", "endSessions"]);

function helloOf(
  message: Buffer,
  responseTo: number,
  change: (hello: Record<string, unknown>) => object,
): Buffer {
  const ids = { id: 1, responseTo };
  const LEGACY_HEAD_BYTES = 36;
  const body = bodyOf(message);
  const bytes =
    body === undefined ? message.subarray(LEGACY_HEAD_BYTES) : message.subarray(body.start, body.end);
  const changed = serialize(change(deserialize(bytes)));
  return body === undefined ? legacyReplyOf(changed, ids) : messageOf(changed, ids);
}
