import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect } from "chai";
import { collectGarbage } from "../support/collect-garbage.ts";
import { HANG_MS } from "../support/patience.ts";
import { runHere } from "../support/run-here.ts";
import { sharedStack } from "../support/shared-stores.ts";
import { campaignId } from "../support/stand-in.ts";

/** Programs at the URL that are no HTTP server: what each does with a connection. */
const strangers: Readonly<Record<string, (socket: Socket) => void>> = {
  "accepts and never answers": () => undefined,
  "closes at once": (socket) => void socket.end(),
  "resets at once": (socket) => void socket.resetAndDestroy(),
  "closes when it is spoken to": (socket) => void socket.once("data", () => socket.end()),
  "answers garbage and closes": (socket) => void socket.once("data", () => socket.end("-ERR what?\r\n")),
  "answers garbage and stays": (socket) => void socket.once("data", () => socket.write("-ERR what?\r\n")),
  "greets, and stays": (socket) => void socket.write("220 mail.example.com ESMTP\r\n"),
  "answers half a head": (socket) =>
    void socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nconten")),
};

const verbs: readonly (readonly string[])[] = [
  ["list"],
  ["watch", campaignId],
  ["verify", campaignId],
  ["export", campaignId],
  ["issue", campaignId, "--user", "u"],
];

/**
 * If the stranger sends bytes, each command ends at these, also on a busy machine; otherwise it ends at its
 * time-out.
 */
const answering = /garbage|greets|redis/;
const flagsFor = (what: string) => [
  ...["--retries", "0", "--timeout"],
  answering.test(what) ? String(HANG_MS) : "2500",
];

describe("cli: at the URL is something that speaks no HTTP", () => {
  let collecting: NodeJS.Timeout;

  // Finds a time-out that is not referenced: garbage collection removes it, and would otherwise run at an
  // unknown moment.
  before(() => {
    collecting = setInterval(collectGarbage, 500);
  });
  after(() => clearInterval(collecting));

  for (const [what, behave] of Object.entries(strangers)) {
    it(`it ${what}: each command ends, and says so in one line`, async () => {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => undefined);
        behave(socket);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      try {
        const ended = await Promise.all(
          verbs.map((args) => runHere([...args, ...flagsFor(what), "--url", url])),
        );
        for (const [i, { code, stderr }] of ended.entries()) {
          const verb = verbs[i]?.[0];
          expect(code, `${verb}: ${stderr}`).to.equal(5);
          expect(stderr.trimEnd().split("\n").at(-1), verb).to.match(/^coupon: .*127\.0\.0\.1:\d+.*; /);
          if (answering.test(what)) expect(stderr, verb).to.match(/is not this service.*check --url/);
        }
      } finally {
        for (const socket of sockets) socket.destroy();
        server.close();
      }
    });
  }

  it("it is a Redis, or a MongoDB: each command says at once that this is not the service", async () => {
    const { redis, mongodb } = await sharedStack();
    for (const { kind, host, port } of [redis, mongodb]) {
      const url = `http://${host}:${port}`;
      const ended = await Promise.all(
        verbs.map((args) => runHere([...args, ...flagsFor(kind), "--url", url])),
      );
      for (const { code, stderr } of ended) {
        expect(code, `${kind}: ${stderr}`).to.equal(5);
        if (kind === "redis") expect(stderr).to.match(/^coupon: .* is not this service.*check --url\n$/m);
      }
    }
  });
});
