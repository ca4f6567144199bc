import { Server as NetServer } from "node:net";

/**
 * After a turn of the event loop this short, in which no connection came, one can hardly have come since
 * without being noticed.
 */
const SHORT_TURN_MS = 0.2;
/** A busy process has no short turns: after so long any turn in which no connection came is enough, … */
const CHOOSY_MS = 20;
/** … and after so long any turn. */
const LOOKING_MS = 100;

/**
 * Stops listening and leaves the open connections; Node's HTTP server would cut the idle ones, to which a
 * proxy may just be writing. Connections that the kernel has accepted and this process has not are reset with
 * the listener, which is why the moment is chosen: no system call stops accepting and keeps them. A load
 * balancer that noticed during SHUTDOWN_DELAY_MS sends no new ones by then. Resolves when the last connection
 * has closed.
 */
export async function stopListening(server: NetServer): Promise<void> {
  let came = false;
  const note = () => {
    came = true;
  };
  server.on("connection", note);
  const beganMs = performance.now();
  for (let turnMs = beganMs, nowMs = beganMs; nowMs - beganMs < LOOKING_MS; turnMs = nowMs) {
    came = false;
    await new Promise((resolve) => setImmediate(resolve));
    nowMs = performance.now();
    if (!came && (nowMs - turnMs < SHORT_TURN_MS || nowMs - beganMs > CHOOSY_MS)) break;
  }
  server.off("connection", note);
  return new Promise((resolve) => void NetServer.prototype.close.call(server, () => resolve()));
}
