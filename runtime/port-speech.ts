import { once } from "node:events";
import { connect as connectPlainly, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { limitedSignal } from "./limited-signal.ts";

/** What speaks at a port is found out by speaking to it, in so many ms. */
export type Port = { readonly host: string; readonly port: number };

/** The first bytes that come after a greeting; undefined: none within that time. */
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

/** True: it answers a TLS greeting. Its certificate does not matter here, and nothing is sent. */
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

/** Never throws; undefined: it cannot be found out. */
async function probed<T>(
  socket: Socket,
  withinMs: number,
  signals: readonly AbortSignal[],
  ask: (socket: Socket, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  // Also where it closes without a word: nothing else would keep this process alive until an answer.
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
