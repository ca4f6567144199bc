import { Server as NetServer } from "node:net";

/**
 * A turn of the event loop in which no connection came and which was so short: none can have come unseen
 * since, or hardly.
 */
const SHORT_TURN_MS = 0.2;
/** A busy process has no short turns: after so long any turn in which no connection came will do, … */
const CHOOSY_MS = 20;
/** … and after so long any turn at all. */
const LOOKING_MS = 100;

/**
 * Ends listening and leaves the connections as they are; Node's HTTP server would cut those that are idle,
 * into which a proxy may just be writing. What the kernel has accepted and this process has not is reset with
 * the listener, which is why the moment is chosen; there is no call that ends accepting and keeps what was
 * accepted, and a balancer that SHUTDOWN_DELAY_MS has told sends nothing new by then. Resolves when the last
 * connection has closed.
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
