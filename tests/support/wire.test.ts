import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { serialize } from "bson";
import { expect } from "chai";
import fc from "fast-check";
import { until } from "../../local/poll.ts";
import { messageOf } from "../../local/wire-message.mjs";
import { scriptText } from "../../pool/script.ts";
import { createSplitter, type Reading } from "./wire/frames.ts";
import { kindOf, mongodbProtocol } from "./wire/op-msg.ts";
import { type StoreProxy, startProxy } from "./wire/proxy.ts";
import { redisProtocol, respEnd } from "./wire/resp.ts";

const scripts = new Map([
  ["claim", scriptText("claim")],
  ["settle", scriptText("settle")],
]);

function command(...words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`);
}

/** An OP_MSG whose body begins with the given command. */
function message(id: number, name: string, collection: string): Buffer {
  return messageOf(serialize({ [name]: collection, $db: "d" }), { id, responseTo: 0 });
}

/** Cuts the stream into chunks at the given places; returns the splitter's frames. */
function split(reading: Reading, stream: Buffer, cuts: readonly number[]): string[] {
  const splitter = createSplitter(reading);
  const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
  const frames = places.slice(1).flatMap((end, i) => splitter(stream.subarray(places[i], end)));
  return frames.map(({ bytes }) => bytes.toString("latin1"));
}

describe("chaos: frames on the wire", () => {
  const cuts = fc.array(fc.nat(10_000), { maxLength: 12 });

  it("Redis requests come whole, however they are chopped, codes and line ends in them or not", () => {
    const words = fc.array(fc.string({ unit: "binary", maxLength: 30 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 5 }), cuts, (commands, places) => {
        const frames = commands.map((each) => command(...each));
        const { requests } = redisProtocol(scripts);
        expect(split(requests, Buffer.concat(frames), places)).to.deep.equal(
          frames.map((frame) => frame.toString("latin1")),
        );
      }),
    );
  });

  it("Redis replies of every type come whole", () => {
    const replies = [
      "+OK\r\n",
      "-ERR no\r\n",
      ":7\r\n",
      "$5\r\nhello\r\n",
      "$-1\r\n",
      "_\r\n",
      "#t\r\n",
      ",1.5\r\n",
      "=7\r\ntxt:abc\r\n",
      "*-1\r\n",
      "*3\r\n:1\r\n*1\r\n$0\r\n\r\n+x\r\n",
      "%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n",
      ">2\r\n+invalidate\r\n*0\r\n",
      "|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n",
    ];
    fc.assert(
      fc.property(cuts, (places) => {
        const { replies: reading } = redisProtocol(scripts);
        expect(split(reading, Buffer.from(replies.join("")), places)).to.deep.equal(replies);
      }),
    );
    for (const reply of replies) expect(respEnd(Buffer.from(reply.slice(0, -1)), 0), reply).to.equal(-1);
  });

  it("a script is known by its hash and by its text, anything else by its command", () => {
    const { requests } = redisProtocol(scripts);
    const kindOf = (frame: Buffer) => requests.read(frame).kind;
    expect(kindOf(command("EVAL", scripts.get("claim") ?? "", "0"))).to.equal("claim");
    expect(kindOf(command("evalsha", "0".repeat(40), "0"))).to.equal("evalsha");
    expect(kindOf(command("PING"))).to.equal("ping");
  });

  it("a reply that names nodes names their doors instead, and nothing else is changed", () => {
    const { replies, renamed } = redisProtocol(scripts);
    const doorOf = (port: number) => ({ 7001: 40001, 26379: 9 })[port];
    const toldAs = (text: string, kind = "claim") => {
      const bytes = Buffer.from(text);
      return (renamed?.({ ...replies.read(bytes), bytes, kind }, doorOf) ?? bytes).toString();
    };
    const host = "$9\r\n127.0.0.1\r\n";
    const slots = (port: number) => `*1\r\n*3\r\n:0\r\n:7001\r\n*4\r\n${host}:${port}\r\n$2\r\nid\r\n*0\r\n`;
    expect(toldAs(slots(7001), "cluster")).to.equal(slots(40001));
    expect(toldAs(slots(7002), "cluster"), "a node without a door").to.equal(slots(7002));
    expect(toldAs(slots(7001)), "the reply to another command").to.equal(slots(7001));
    expect(toldAs("-MOVED 7001 127.0.0.1:7001\r\n")).to.equal("-MOVED 7001 127.0.0.1:40001\r\n");
    expect(toldAs("-ASK 12 127.0.0.1:7002\r\n")).to.equal("-ASK 12 127.0.0.1:7002\r\n");
    expect(toldAs("-ERR 127.0.0.1:7001\r\n")).to.equal("-ERR 127.0.0.1:7001\r\n");
    const master = (port: string) => `*2\r\n${host}$${port.length}\r\n${port}\r\n`;
    expect(toldAs(master("7001"), "sentinel")).to.equal(master("40001"));
    const replica = (port: string) =>
      `*1\r\n%2\r\n$2\r\nip\r\n${host}$4\r\nport\r\n$${port.length}\r\n${port}\r\n`;
    expect(toldAs(replica("26379"), "sentinel")).to.equal(replica("9"));
  });

  it("MongoDB messages come whole and are known by command and collection", () => {
    const messages = [
      message(1, "insert", "issuances"),
      message(2, "find", "campaigns"),
      message(3, "hello", ""),
    ];
    expect(messages.map(kindOf)).to.deep.equal(["insert issuances", "find campaigns", "hello "]);
    fc.assert(
      fc.property(cuts, (places) => {
        expect(split(mongodbProtocol.requests, Buffer.concat(messages), places)).to.deep.equal(
          messages.map((each) => each.toString("latin1")),
        );
      }),
    );
  });
});

describe("chaos: the proxy", () => {
  let proxy: StoreProxy;
  let closeServer: () => Promise<void>;
  let arrived: string[];

  /** The server behind the proxy answers each command with the last word of that command. */
  beforeEach(async () => {
    arrived = [];
    const { requests } = redisProtocol(scripts);
    const server = createServer((socket) => {
      socket.on("error", () => {});
      const splitter = createSplitter(requests);
      socket.on("data", (chunk: Buffer) => {
        for (const { bytes } of splitter(chunk)) {
          const word = bytes.toString().trimEnd().split("\r\n").at(-1) ?? "";
          arrived.push(word);
          socket.write(`+${word}\r\n`);
        }
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    proxy = await startProxy(redisProtocol(scripts), {
      host: "127.0.0.1",
      port: (server.address() as AddressInfo).port,
    });
    closeServer = async () => {
      server.close();
      await once(server, "close");
    };
  });
  afterEach(async () => {
    await proxy.close();
    await closeServer();
  });

  async function client(door = proxy.address) {
    const socket = connect(door);
    socket.on("error", () => {});
    let [text, closed] = ["", false];
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on("close", () => {
      closed = true;
    });
    await once(socket, "connect");
    return { socket, heard: () => text, isClosed: () => closed };
  }
  const comes = async (condition: () => boolean) => expect(await until(condition, 2_000, 2)).to.equal(true);

  it("holds exactly one request, and all behind it on its connection, until it is released", async () => {
    const trap = proxy.trap({ at: "request", kind: "get", deed: "hold" });
    const [one, other] = [await client(), await client()];
    one.socket.write(Buffer.concat([command("SET", "a"), command("GET", "b"), command("SET", "c")]));
    await trap.sprung(2_000);
    other.socket.write(command("GET", "d"));
    await comes(() => one.heard() === "+a\r\n" && other.heard() === "+d\r\n");
    expect(arrived).to.deep.equal(["a", "d"]);
    trap.release();
    await comes(() => one.heard() === "+a\r\n+b\r\n+c\r\n");
  });

  it("never delivers what it holds when its sender dies", async () => {
    const trap = proxy.trap({ at: "request", kind: "get", deed: "hold" });
    const one = await client();
    one.socket.write(command("GET", "x"));
    await trap.sprung(2_000);
    one.socket.destroy();
    const next = await client();
    next.socket.write(command("SET", "y"));
    await comes(() => next.heard() === "+y\r\n");
    trap.release();
    expect(arrived).to.deep.equal(["y"]);
  });

  it("cuts exactly one reply: the request was served, its sender hears nothing", async () => {
    const trap = proxy.trap({ at: "reply", kind: "get", deed: "cut", skip: 1 });
    const one = await client();
    one.socket.write(Buffer.concat([command("GET", "p"), command("SET", "q"), command("GET", "r")]));
    await comes(one.isClosed);
    expect([trap.caught, arrived, one.heard()]).to.deep.equal([1, ["p", "q", "r"], "+p\r\n+q\r\n"]);
  });

  it("has a door to each node: traps catch at any of them, one can be dark alone, and errors are counted", async () => {
    const { requests } = redisProtocol(scripts);
    const node = createServer((socket) => {
      socket.on("error", () => {});
      const splitter = createSplitter(requests);
      socket.on("data", (chunk: Buffer) => {
        for (const _ of splitter(chunk)) socket.write("-MOVED 1 127.0.0.1:1\r\n");
      });
    });
    node.listen(0, "127.0.0.1");
    await once(node, "listening");
    const target = { host: "127.0.0.1", port: (node.address() as AddressInfo).port };
    const door = await proxy.doorTo(target);
    expect(await proxy.doorTo(target), "opened once").to.deep.equal(door);
    expect(door).not.to.deep.equal(proxy.address);
    const [one, other] = [await client(), await client(door)];
    proxy.blackHole(true, target);
    for (const { socket } of [one, other]) socket.write(command("SET", "a"));
    await comes(() => one.heard() === "+a\r\n");
    expect(other.heard()).to.equal("");
    proxy.blackHole(false, target);
    await comes(() => other.heard() === "-MOVED 1 127.0.0.1:1\r\n");
    expect([proxy.errors("MOVED"), proxy.errors("ASK")]).to.deep.equal([1, 0]);
    const trap = proxy.trap({ at: "request", kind: "get", deed: "cut" });
    other.socket.write(command("GET", "b"));
    await comes(other.isClosed);
    expect([trap.caught, one.isClosed()]).to.deep.equal([1, false]);
    node.close();
  });

  it("delays, refuses and takes again", async () => {
    proxy.delay(30);
    const one = await client();
    const askedAtMs = performance.now();
    one.socket.write(command("SET", "s"));
    await comes(() => one.heard() === "+s\r\n");
    expect(performance.now() - askedAtMs).to.be.at.least(59);
    proxy.refuse(true);
    await comes(one.isClosed);
    const turnedAway = await client();
    await comes(turnedAway.isClosed);
    proxy.refuse(false);
    const next = await client();
    next.socket.write(command("SET", "t"));
    await comes(() => next.heard() === "+t\r\n");
  });
});
