import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Document, deserialize, serialize } from "bson";
import {
  bodyOf,
  isOpMsg,
  legacyReplyOf,
  MessageReader,
  messageOf,
  requestIdOf,
  wantsNoReply,
} from "../../../local/wire-message.mjs";
import type { Address } from "./proxy.ts";

/** One command as a client sent it. */
export type FrontRequest = {
  /** The first key of the command: `insert`, `hello`. */
  readonly name: string;
  /** The value of the first key, where that is a name. */
  readonly collection: string | undefined;
  readonly command: Document;
  /** Whether the client takes more than one reply. */
  readonly mayStream: boolean;
  /** A number for each connection. */
  readonly connection: number;
  /** Whether the client has closed the connection. */
  readonly hasLeft: () => boolean;
  /**
   * Asks the server behind, and returns its reply; `instead`: asks that. Rejects when that connection is
   * lost.
   */
  readonly pass: (instead?: Document) => Promise<Document>;
  /** Sends a reply that others follow. */
  readonly stream: (reply: Document) => void;
};

/** The reply; undefined: the connection is closed without one. */
export type Handle = (request: FrontRequest) => Promise<Document | undefined>;

export type MongoFront = {
  readonly address: Address;
  /** Closes each connection that the predicate names; without one, all. */
  cut(which?: (connection: number) => boolean): void;
  /** Refuses new connections and closes the established ones, until `refuse(false)`. */
  refuse(on: boolean): void;
  close(): Promise<void>;
};

const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
const EXHAUST_ALLOWED = 1 << 16;
/** Header, flags. */
const QUERY_NAME_AT = 20;

/**
 * A server that speaks MongoDB's wire protocol before another one: each command is answered by `handle`,
 * which may ask the server behind, and may answer something else.
 */
export async function startMongoFront(target: Address, handle: Handle): Promise<MongoFront> {
  const sessions = new Map<number, () => void>();
  let connections = 0;
  let refusing = false;

  const server = createServer({ noDelay: true }, (client) => {
    client.on("error", () => undefined);
    if (refusing) return void client.destroy();
    connections += 1;
    const connection = connections;
    const upstream = createUpstream(target);
    const reader = new MessageReader();
    let replyId = 0;
    let serving: Promise<void> = Promise.resolve();
    const end = () => {
      sessions.delete(connection);
      client.destroy();
      upstream.end();
    };
    sessions.set(connection, end);
    client.on("close", end);

    /** @returns the id of the reply, which the next one of the same stream answers */
    function send(reply: Document, message: Buffer, responseTo: number, moreToCome: boolean): number {
      replyId += 1;
      const frame = (isOpMsg(message) ? messageOf : legacyReplyOf)(
        serialize(reply, { ignoreUndefined: true }),
        {
          id: replyId,
          responseTo,
        },
      );
      if (moreToCome) frame.writeUInt32LE(MORE_TO_COME, 16);
      if (!client.destroyed) client.write(frame);
      return replyId;
    }

    async function serve(message: Buffer): Promise<void> {
      const command = commandIn(message);
      const [[name, value] = ["", undefined]] = Object.entries(command);
      let responseTo = requestIdOf(message);
      const reply = await handle({
        ...{ name, command, connection },
        collection: typeof value === "string" ? value : undefined,
        mayStream: isOpMsg(message) && (message.readUInt32LE(16) & EXHAUST_ALLOWED) !== 0,
        hasLeft: () => client.destroyed,
        pass: (instead) =>
          upstream.ask(
            instead === undefined
              ? message
              : messageOf(serialize(instead, { ignoreUndefined: true }), {
                  id: requestIdOf(message),
                  responseTo: 0,
                }),
          ),
        stream(next) {
          responseTo = send(next, message, responseTo, true);
        },
      });
      if (reply === undefined) return end();
      if (!(isOpMsg(message) && wantsNoReply(message))) send(reply, message, responseTo, false);
    }

    client.on("data", (chunk: Buffer) => {
      reader.push(chunk);
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        const next = message;
        serving = serving.then(() => serve(next)).catch(end);
      }
    });
  });
  server.listen(0, target.host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  function cut(which: (connection: number) => boolean = () => true): void {
    for (const [connection, end] of [...sessions]) if (which(connection)) end();
  }

  return {
    address: { host: target.host, port },
    cut,
    refuse(on) {
      refusing = on;
      if (on) cut();
    },
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

/** The command of an OP_MSG, or of the OP_QUERY that drivers send as their first message. */
function commandIn(message: Buffer): Document {
  const body = bodyOf(message);
  if (body !== undefined) return deserialize(message.subarray(body.start, body.end), { promoteValues: true });
  // After the name of a collection, two numbers: how many to skip, and how many to return.
  const nameEnd = message.indexOf(0, QUERY_NAME_AT);
  return deserialize(message.subarray(nameEnd + 9));
}

type Upstream = { ask(message: Buffer): Promise<Document>; end(): void };

/** A connection to the server behind, opened with the first command that reaches it. */
function createUpstream(target: Address): Upstream {
  const reader = new MessageReader();
  const waiting: { resolve: (reply: Document) => void; reject: (cause: Error) => void }[] = [];
  let socket: Socket | undefined;

  function open(): Socket {
    const opened = connect({ ...target, noDelay: true });
    const lost = () => {
      for (const { reject } of waiting.splice(0))
        reject(new Error("the server behind closed the connection"));
      if (socket === opened) socket = undefined;
    };
    opened.on("error", lost);
    opened.on("close", lost);
    opened.on("data", (chunk: Buffer) => {
      reader.push(chunk);
      for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
        const body = bodyOf(reply);
        // An OP_REPLY has its document behind header, flags, cursor and two numbers.
        const document = body === undefined ? reply.subarray(36) : reply.subarray(body.start, body.end);
        waiting.shift()?.resolve(deserialize(document, { promoteValues: false }));
      }
    });
    return opened;
  }

  return {
    ask(message) {
      socket ??= open();
      const sent = socket;
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        sent.write(singleReply(message));
      });
    },
    end: () => void socket?.destroy(),
  };
}

/** The message without the flags that the embedded engine refuses. */
function singleReply(message: Buffer): Buffer {
  if (!isOpMsg(message)) return message;
  const flags = message.readUInt32LE(16);
  if ((flags & EXHAUST_ALLOWED) === 0 || (flags & CHECKSUM_PRESENT) !== 0) return message;
  const copy = Buffer.from(message);
  copy.writeUInt32LE((flags & ~EXHAUST_ALLOWED) >>> 0, 16);
  return copy;
}
