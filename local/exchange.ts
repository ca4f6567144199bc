import { connect } from "node:net";

const DEADLINE_MS = 1_000;
const MAX_REPLY_BYTES = 4_000_000;

/**
 * Sends one request on a connection of its own and returns the received bytes once `isEnough` accepts them;
 * undefined: no server answered in time, or the reply was too long.
 */
export function exchange(
  host: string,
  port: number,
  request: Buffer,
  isEnough: (bytes: Buffer) => boolean,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0);
    const socket = connect({ host, port });
    const end = (reply: Buffer | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reply);
    };
    const timer = setTimeout(() => end(undefined), DEADLINE_MS);
    socket.on("connect", () => socket.write(request));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (isEnough(received)) end(received);
      else if (received.length > MAX_REPLY_BYTES) end(undefined);
    });
    socket.on("error", () => end(undefined));
    socket.on("close", () => end(undefined));
  });
}
