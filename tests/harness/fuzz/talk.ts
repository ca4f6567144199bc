import { connect } from "node:net";
import { systemClock } from "../../../runtime/clock.ts";
import { withDeadline } from "../../../runtime/deadline.ts";
import { HANG_MS } from "../../support/patience.ts";
import type { Fuzzed } from "./servers.ts";

/**
 * The bytes that a caller sends on one connection: pieces, each in a packet of its own, and whether the
 * caller closes its half right after them.
 */
export type Script = { readonly pieces: readonly Buffer[]; readonly endsEarly: boolean };

/**
 * All bytes that came back. `settled`: each request that arrived whole was answered before the caller closed
 * its half. `closed`: the server closed by itself.
 */
export type Heard = { readonly bytes: Buffer; readonly settled: boolean; readonly closed: boolean };

const TURNS = 4;

/**
 * Uses no timer: waits until the server has read all bytes and has answered each whole request, or has
 * closed. Only then does the caller close its half and read the rest.
 */
export async function talk(server: Fuzzed, { pieces, endsEarly }: Script): Promise<Heard> {
  const socket = connect({ port: server.port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const got: Buffer[] = [];
  let ended = false;
  let over: () => void = () => undefined;
  const closing = new Promise<void>((resolve) => {
    over = () => {
      ended = true;
      resolve();
    };
  });
  socket.on("data", (data: Buffer) => void got.push(data));
  socket.on("end", over).on("error", over).on("close", over);
  await new Promise<void>((resolve) => socket.once("connect", resolve).once("error", () => resolve()));
  const { localPort = 0 } = socket;
  let sent = 0;
  for (const piece of pieces) {
    if (ended) break;
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    sent += piece.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const isSettled = () => {
    const there = server.connection(localPort);
    return there !== undefined && there.socket.bytesRead === sent && there.waiting() === 0;
  };
  if (!endsEarly) {
    for (let turns = 0; turns < TURNS && !ended; ) {
      turns = isSettled() ? turns + 1 : 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const closed = ended;
  if (!closed) socket.end();
  await withDeadline(closing, HANG_MS, "waiting for the server to close", systemClock);
  socket.destroy();
  return { bytes: Buffer.concat(got), settled: closed || !endsEarly, closed };
}
