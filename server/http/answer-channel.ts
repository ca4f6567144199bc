import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";
import type { Clock } from "../../runtime/clock.ts";
import { setSourceAddress } from "./source-address.ts";

/** What the answer to a call goes through: its connection or, over HTTP/2, its stream alone. */
export type AnswerChannel = {
  /** For an answer that nobody takes: that cannot be told, as what was sent already stands before it. */
  cut(): void;
  /** Calls back once when nothing can be sent any more, until it is cancelled. */
  onClosed(callback: () => void): () => void;
};

const NONE: AnswerChannel = { cut: () => undefined, onClosed: () => () => undefined };
const key = createContextKey<AnswerChannel>(NONE, { description: "the answer channel of a call" });

/** What the framework hands on of a request. */
export function withAnswerChannel(request: IncomingMessage | Http2ServerRequest): ContextValues {
  return setSourceAddress(createContextValues().set(key, answerChannelOf(request)), request);
}

export function answerChannelIn(values: ContextValues): AnswerChannel {
  return values.get(key);
}

/**
 * Cuts the channel unless what is sent now is taken within so long, or it closes by itself. Call the result
 * when it was taken.
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
