/**
 * Listens on loopback and passes bytes on to another address, each so many milliseconds late, in both
 * directions: a long way between a server and a store. For kernels without netem.
 *
 *   delay-process.ts DELAY_MS PORT=HOST:PORT…
 */
import { connect, createServer, type Socket } from "node:net";

/** What is on its way in one direction of a connection; a full one waits, as a full window does. */
const ON_THE_WAY_MAX_BYTES = 4_000_000;

const [delay, ...ways] = process.argv.slice(2);
const delayMs = Number(delay);

function passLate(from: Socket, to: Socket): void {
  let onTheWay = 0;
  const later = (work: () => void) => void setTimeout(work, delayMs);
  from.on("data", (bytes: Buffer) => {
    onTheWay += bytes.length;
    if (onTheWay > ON_THE_WAY_MAX_BYTES) from.pause();
    later(() => {
      onTheWay -= bytes.length;
      if (onTheWay <= ON_THE_WAY_MAX_BYTES) from.resume();
      if (!to.destroyed) to.write(bytes);
    });
  });
  from.on("end", () => later(() => to.end()));
  from.on("close", () => later(() => to.destroySoon()));
  from.on("error", () => {}); // `close` follows
}

let listening = 0;
for (const way of ways) {
  const [, port, host = "", target] = /^(\d+)=(.+):(\d+)$/.exec(way) ?? [];
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ host, port: Number(target), noDelay: true, allowHalfOpen: true });
    passLate(near, far);
    passLate(far, near);
  });
  server.listen(Number(port), "127.0.0.1", () => {
    listening += 1;
    if (listening === ways.length) process.stdout.write("delaying\n");
  });
}
process.once("SIGTERM", () => process.exit(0));
