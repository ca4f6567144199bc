import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";
import type { Clock } from "../../runtime/clock.ts";

/** What the answer to a call goes through: its connection or, over HTTP/2, its stream alone. */
export type Line = {
  /** For an answer that nobody takes: that cannot be told, as what was sent already stands before it. */
  cut(): void;
  /** Calls back once when nothing can be sent any more, until it is cancelled. */
  onClosed(callback: () => void): () => void;
};

const NONE: Line = { cut: () => undefined, onClosed: () => () => undefined };
const key = createContextKey<Line>(NONE, { description: "the line of a call" });

/** What the framework hands on of a request. */
export function withLine(request: IncomingMessage | Http2ServerRequest): ContextValues {
  return createContextValues().set(key, lineOf(request));
}

export function lineIn(values: ContextValues): Line {
  return values.get(key);
}

/** Cuts the line unless what is sent now is taken within so long, or the line closes by itself. Call the result when it was taken. */
export function cutUnlessTaken(line: Line, withinMs: number, clock: Clock): () => void {
  const cancel = clock.after(withinMs, () => line.cut());
  const forget = line.onClosed(cancel);
  return () => {
    cancel();
    forget();
  };
}

function lineOf(request: IncomingMessage | Http2ServerRequest): Line {
  const way = "stream" in request ? request.stream : request.socket;
  return {
    cut() {
      if ("stream" in request) request.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      else request.socket.destroy();
    },
    onClosed(callback) {
      way.once("close", callback);
      return () => void way.off("close", callback);
    },
  };
}
