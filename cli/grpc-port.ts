import { once } from "node:events";
import { connect } from "node:net";
import { unreachableBecause } from "./reach.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

const probeMs = 1_000;
const frameHeadBytes = 9;
const settingsFrame = 4;
/** What an HTTP/2 client says first, and an empty SETTINGS frame. */
const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
  Buffer.from([0, 0, 0, settingsFrame, 0, 0, 0, 0, 0]),
]);

/**
 * The gRPC port breaks every connection that begins in HTTP/1.1, which looks like a service that dies; asking again cannot help. So after the
 * first connection that broke it is asked in HTTP/2 what it is.
 * @throws UserError where it is that port
 */
export async function refuseGrpcPort({ settings, signal }: Session, error: unknown): Promise<void> {
  if (unreachableBecause(error)?.neverSent !== false) return;
  const url = new URL(settings.url);
  if (url.protocol !== "http:" || !(await speaksHttp2(url, signal))) return;
  const below = Number(url.port) - 1_000;
  throw new UserError(`${settings.url} answers in HTTP/2 only: is it the gRPC port?`, {
    hint: `give the HTTP port, which is 1000 lower by default${below > 0 ? `: ${below}` : ""}`,
  });
}

/** True: what it says first is a SETTINGS frame. Never throws. */
async function speaksHttp2({ hostname, port }: URL, signal: AbortSignal): Promise<boolean> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(probeMs)]);
  const socket = connect(Number(port || 80), hostname.replace(/^\[|\]$/g, ""));
  socket.on("error", () => undefined);
  try {
    socket.write(preface);
    const [first]: unknown[] = await once(socket, "data", { signal: until });
    return first instanceof Uint8Array && first.length >= frameHeadBytes && first[3] === settingsFrame;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
