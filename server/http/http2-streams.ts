import { constants, type ServerHttp2Stream } from "node:http2";
import type { Clock } from "../../runtime/clock.ts";

/** The time limits of one call of the gRPC port, in ms. */
export type Http2StreamPatience = {
  /** How long the request of a call may take to arrive completely. */
  readonly requestMs: number;
  /** How long a peer may take nothing of an answer. */
  readonly unreadMs: number;
  /** How long a stream that was reset or closed may stay in memory: Node waits for its peer. */
  readonly lingerMs: number;
};

/** As Node's HTTP/1.1 server does with `requestTimeout`: no part of a call may hold its stream for ever. */
export function boundStream(stream: ServerHttp2Stream, patience: Http2StreamPatience, clock: Clock): void {
  const { requestMs, unreadMs, lingerMs } = patience;
  let cancelWhole = () => {};
  let cancelLinger = () => {};

  function linger(): void {
    cancelLinger();
    cancelLinger = clock.after(lingerMs, () => stream.destroy());
  }

  function end(): void {
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    linger();
  }

  if (!stream.endAfterHeaders) {
    cancelWhole = clock.after(requestMs, end);
    stream.once("end", cancelWhole);
  }
  stream.once("aborted", linger);
  // Node counts it from the last frame that came or went. A quiet stream of an operator may go on.
  stream.setTimeout(unreadMs, () => {
    if (stream.writableLength > 0) end();
  });
  stream.once("close", () => {
    cancelWhole();
    cancelLinger();
  });
}
