import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";
import type { Clock } from "../../runtime/clock.ts";

/** The connection that an answer goes through or, over HTTP/2, its stream alone. */
export type AnswerChannel = {
  /** For an answer that its caller does not read. An error cannot be sent: the unread data is before it. */
  cut(): void;
  /** Calls back once when nothing can be sent any more, until it is cancelled. */
  onClosed(callback: () => void): () => void;
};

const NONE: AnswerChannel = { cut: () => undefined, onClosed: () => () => undefined };
const key = createContextKey<AnswerChannel>(NONE, { description: "the answer channel of a call" });

/** The values of a request that the framework passes to its handler. */
export function withAnswerChannel(request: IncomingMessage | Http2ServerRequest): ContextValues {
  return createContextValues().set(key, answerChannelOf(request));
}

export function answerChannelIn(values: ContextValues): AnswerChannel {
  return values.get(key);
}

/**
 * Cuts the channel unless the caller takes what is sent now within `withinMs`, or the channel closes before.
 * Call the returned function when it was taken.
 */
export function cutUnlessTaken(channel: AnswerChannel, withinMs: number, clock: Clock): () => void {
  const cancel = clock.after(withinMs, () => channel.cut());
  const stopWatching = channel.onClosed(cancel);
  return () => {
    cancel();
    stopWatching();
  };
}

function answerChannelOf(request: IncomingMessage | Http2ServerRequest): AnswerChannel {
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
