import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy on this machine whose connections break, each by its own fate. */
export type TornNetwork = {
  readonly url: string;
  /** How many connections it has cut. */
  cut(): number;
  close(): Promise<void>;
};

const CUT_AT_ONCE = 0.03;
/** The request arrives, and its answer does not. */
const CUT_THE_ANSWER = 0.05;
const CUT_HALF_AN_ANSWER = 0.02;
/** Neither end hears of it: the answer never comes. */
const LOSE_THE_ANSWER = 0.002;
const DELAY = 0.1;
const DELAY_MOST_MS = 150;

/** `random` decides the fate of each connection and of each answer on it. */
export async function startTornNetwork(port: number, random: () => number): Promise<TornNetwork> {
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let cut = 0;

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: "127.0.0.1", noDelay: true });
    const pair = [client, upstream];
    const end = (): void => {
      for (const socket of pair) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    const cutNow = (): void => {
      cut += 1;
      end();
    };
    for (const socket of pair) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", end);
    }
    if (random() < CUT_AT_ONCE) return cutNow();
    client.on("data", (bytes) => upstream.write(bytes));
    let isLost = false;
    upstream.on("data", (bytes: Buffer) => {
      let fate = random();
      const falls = (share: number): boolean => {
        fate -= share;
        return fate < 0;
      };
      if (isLost) return;
      if (falls(CUT_THE_ANSWER)) return cutNow();
      if (falls(CUT_HALF_AN_ANSWER)) return void client.write(bytes.subarray(0, bytes.length / 2), cutNow);
      if (falls(LOSE_THE_ANSWER)) {
        isLost = true;
        return;
      }
      if (!falls(DELAY)) return void client.write(bytes);
      upstream.pause();
      const timer = setTimeout(() => {
        timers.delete(timer);
        client.write(bytes);
        upstream.resume();
      }, random() * DELAY_MOST_MS);
      timers.add(timer);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => cut,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
