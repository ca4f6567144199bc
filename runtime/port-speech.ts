import { once } from "node:events";
import { connect as connectPlainly, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { limitedSignal } from "./limited-signal.ts";

/** A port whose protocol is unknown: the functions below find it out by sending to it. */
export type Port = { readonly host: string; readonly port: number };

/** The first bytes that the port sends after `greeting`; undefined: none within `withinMs`. */
export function answerTo(
  greeting: Uint8Array | string,
  at: Port,
  withinMs: number,
  ...signals: readonly AbortSignal[]
): Promise<Buffer | undefined> {
  return probed(connectPlainly(at), withinMs, signals, async (socket, signal) => {
    socket.write(greeting);
    const [first]: unknown[] = await once(socket, "data", { signal });
    return first instanceof Uint8Array ? Buffer.from(first) : undefined;
  });
}

/** True: the port completes a TLS handshake. Its certificate is not checked, and no data is sent. */
export async function speaksTls(
  at: Port,
  withinMs: number,
  ...signals: readonly AbortSignal[]
): Promise<boolean> {
  const socket = connectTls({ ...at, rejectUnauthorized: false });
  const told = await probed(socket, withinMs, signals, async (_, signal) => {
    await once(socket, "secureConnect", { signal });
    return true;
  });
  return told === true;
}

/** Never throws; undefined: there was no result. */
async function probed<T>(
  socket: Socket,
  withinMs: number,
  signals: readonly AbortSignal[],
  ask: (socket: Socket, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  // Ends the wait where the port closes the connection without an answer; else it would last for `withinMs`.
  const closed = new Promise<undefined>((resolve) =>
    socket.on("error", () => undefined).on("close", () => resolve(undefined)),
  );
  const { signal, clear } = limitedSignal(withinMs, ...signals);
  try {
    return await Promise.race([ask(socket, signal), closed]);
  } catch {
    return undefined;
  } finally {
    clear();
    socket.destroy();
  }
}
