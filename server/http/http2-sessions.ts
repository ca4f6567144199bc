import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../runtime/clock.ts";

/** What the connections of the gRPC port are given time for, in ms. */
export type Http2Patience = {
  /**
   * A connection without a call for so long is closed. Longer than proxies keep idle connections, so that
   * these close them.
   */
  readonly idleMs: number;
  /**
   * A peer is asked so often whether it is there, which also keeps the connection known to what is in between
   * …
   */
  readonly pingEveryMs: number;
  /** … and has so long to answer; to say its first word, too. */
  readonly pingTimeoutMs: number;
  /** What a call's request may take to come whole. */
  readonly requestMs: number;
  /** The time a peer has to be told that its connection ends, and to close it once its calls have ended. */
  readonly goawayMs: number;
};

/**
 * Source: Google's load balancers keep idle connections for 600 s; those of AWS forget them after 350 s
 * without a packet.
 */
export const HTTP2_PATIENCE: Http2Patience = {
  idleMs: 660_000,
  pingEveryMs: 60_000,
  pingTimeoutMs: 20_000,
  requestMs: 15_000,
  goawayMs: 2_000,
};

export type Http2Sessions = {
  /** Has all connections end, and gives their peers so long to learn of it; those that come later, too. */
  retireAll(goawayMs: number): void;
};

/**
 * A GOAWAY frame that names the highest stream there can be: open no more, those that are on their way are
 * taken. Source: RFC 9113, section 6.8. Written past Node's session, which refuses all further streams from
 * its own first GOAWAY on.
 */
const GOING_AWAY = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/**
 * Keeps the connections of an HTTP/2 server: notices peers that have gone, and ends those that nobody uses
 * without failing a call.
 */
export function keepHttp2Sessions(server: Http2Server, patience: Http2Patience, clock: Clock): Http2Sessions {
  const retires = new Map<ServerHttp2Session, (goawayMs: number) => void>();
  let retiring: number | undefined;
  let arriving: Socket | undefined;

  // A session hands its socket out to nobody, and is made in the turn in which the socket comes.
  server.prependListener("connection", (socket: Socket) => {
    arriving = socket;
  });
  server.on("session", (session) => {
    const retire = keepSession(session, arriving, patience, clock);
    retires.set(session, retire);
    session.once("close", () => retires.delete(session));
    if (retiring !== undefined) retire(retiring);
  });
  return {
    retireAll(goawayMs) {
      retiring = goawayMs;
      for (const retire of retires.values()) retire(goawayMs);
    },
  };
}

/** Returns what ends it. */
function keepSession(
  session: ServerHttp2Session,
  socket: Socket | undefined,
  patience: Http2Patience,
  clock: Clock,
): (goawayMs: number) => void {
  let streams = 0;
  let retired = false;
  let lingerMs = patience.goawayMs;
  let cancelIdle: Cancel = () => undefined;
  let cancelPing: Cancel = () => undefined;
  let cancelEnd: Cancel = () => undefined;

  const destroy = () => {
    session.destroy();
    socket?.destroy();
  };

  function idle(): void {
    cancelIdle = clock.after(patience.idleMs, () => retire(patience.goawayMs));
  }

  /**
   * Calls that are on their way when the peer learns of it are still taken: only once it has is the last of
   * them known.
   */
  function retire(goawayMs: number): void {
    if (retired || session.destroyed) return;
    retired = true;
    lingerMs = goawayMs;
    cancelIdle();
    socket?.write(GOING_AWAY);
    const close = () => {
      session.close();
      if (streams === 0) linger();
    };
    // A peer that does not answer has gone, or does not speak HTTP/2.
    const cancelWait = clock.after(goawayMs, () => {
      close();
      if (streams === 0) destroy();
    });
    ask(() => {
      cancelWait();
      close();
    });
  }

  /** It is the peer's turn to close, which one that is stuck does not. */
  function linger(): void {
    cancelEnd();
    cancelEnd = clock.after(lingerMs, destroy);
  }

  function ask(answered: () => void): void {
    if (session.destroyed) return;
    session.ping((error) => {
      if (error === null) answered();
    });
  }

  function keepAlive(): void {
    cancelPing = clock.after(patience.pingEveryMs, () => {
      cancelPing = clock.after(patience.pingTimeoutMs, destroy);
      ask(() => {
        cancelPing();
        keepAlive();
      });
    });
  }

  function onStream(stream: ServerHttp2Stream): void {
    streams += 1;
    cancelIdle();
    cancelUnlessWhole(stream, patience.requestMs, clock);
    stream.once("close", () => {
      streams -= 1;
      if (streams > 0) return;
      if (session.closed) linger();
      else if (!retired) idle();
    });
  }

  // A connection on which nothing was ever said.
  cancelPing = clock.after(patience.pingTimeoutMs, destroy);
  session.once("remoteSettings", () => {
    cancelPing();
    keepAlive();
  });
  session.on("stream", onStream);
  session.on("error", destroy);
  socket?.once("close", destroy);
  session.once("close", () => {
    for (const cancel of [cancelIdle, cancelPing, cancelEnd]) cancel();
  });
  idle();
  return retire;
}

/** As Node's HTTP/1.1 server does with `requestTimeout`: half a request must not hold a stream for ever. */
function cancelUnlessWhole(stream: ServerHttp2Stream, withinMs: number, clock: Clock): void {
  if (stream.endAfterHeaders) return;
  const cancel = clock.after(withinMs, () => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM));
  stream.once("end", cancel);
  stream.once("close", cancel);
}
