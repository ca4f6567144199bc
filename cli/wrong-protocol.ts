import { once } from "node:events";
import { connect as connectPlainly, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { limitedSignal } from "../runtime/limited-signal.ts";
import { exitCodes } from "./exit-code.ts";
import { notThisService, unreachableBecause } from "./reach.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

const probeMs = 1_000;
const frameHeadBytes = 9;
const settingsFrame = 4;
const statusLine = "HTTP/1.";
/** What an HTTP/2 client says first, and an empty SETTINGS frame. */
const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
  Buffer.from([0, 0, 0, settingsFrame, 0, 0, 0, 0, 0]),
]);

/**
 * A port that speaks something else breaks every connection that begins in HTTP/1.1, which looks like a service that dies; asking again cannot
 * help. So after the first connection that broke it is asked what it speaks: HTTP/2 alone, as the gRPC port does, TLS, or no HTTP at all.
 * @throws UserError where it is one of these
 */
export async function refuseWrongProtocol({ settings, signal }: Session, error: unknown): Promise<void> {
  if (unreachableBecause(error)?.neverSent !== false) return;
  const url = new URL(settings.url);
  if (url.protocol !== "http:") return;
  const { signal: until, clear } = limitedSignal(probeMs, signal);
  const [speech, isTls] = await Promise.all([speechOf(url, until), speaksTls(url, until)]).finally(clear);
  if (isTls) {
    throw new UserError(`${settings.url} answers in TLS only`, {
      hint: `give --url ${settings.url.replace(/^http:/, "https:")}`,
    });
  }
  if (speech === "other") {
    const { message, hint } = notThisService(settings.url);
    throw new UserError(message, { hint, exitCode: exitCodes.unavailable });
  }
  if (speech !== "http2") return;
  const below = Number(url.port) - 1_000;
  throw new UserError(`${settings.url} answers in HTTP/2 only: is it the gRPC port?`, {
    hint: `give the HTTP port, which is 1000 lower by default${below > 0 ? `: ${below}` : ""}`,
  });
}

type Speech = "http1" | "http2" | "other";

/** By what it says first: a SETTINGS frame, a status line of HTTP/1.1, or anything else. Undefined: it says nothing. */
function speechOf(url: URL, until: AbortSignal): Promise<Speech | undefined> {
  return probed(connectPlainly(addressOf(url)), async (socket) => {
    socket.write(preface);
    const [first]: unknown[] = await once(socket, "data", { signal: until });
    if (!(first instanceof Uint8Array)) return undefined;
    if (first.length >= frameHeadBytes && first[3] === settingsFrame) return "http2";
    return Buffer.from(first.subarray(0, statusLine.length)).toString("latin1") === statusLine
      ? "http1"
      : "other";
  });
}

/** True: it answers a TLS greeting. Its certificate does not matter here, and nothing is sent. */
function speaksTls(url: URL, until: AbortSignal): Promise<boolean | undefined> {
  return probed(connectTls({ ...addressOf(url), rejectUnauthorized: false }), async (socket) => {
    await once(socket, "secureConnect", { signal: until });
    return true;
  });
}

/** Never throws; undefined: it cannot be found out. */
async function probed<S extends Socket, T>(
  socket: S,
  ask: (socket: S) => Promise<T>,
): Promise<T | undefined> {
  // Also where it closes without a word: nothing else would keep this process alive until an answer.
  const closed = new Promise<undefined>((resolve) =>
    socket.on("error", () => undefined).on("close", () => resolve(undefined)),
  );
  try {
    return await Promise.race([ask(socket), closed]);
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

function addressOf({ hostname, port }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) };
}
