import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import { onHttp2Session } from "./http2-arrivals.ts";
import { boundStream, type Http2StreamPatience } from "./http2-streams.ts";

/** The time limits for connections of the gRPC port, in ms. */
export type Http2Patience = Http2StreamPatience & {
  /**
   * A connection without a call for so long is closed. Longer than proxies keep idle connections, so that the
   * proxies close them.
   */
  readonly idleMs: number;
  /**
   * How often a ping is sent to a peer, which also keeps the connection in the tables of load balancers on
   * the way.
   */
  readonly pingEveryMs: number;
  /** How long a peer may take to answer a ping, and to send its first frame. */
  readonly pingTimeoutMs: number;
  /** How long a peer may take to confirm a GOAWAY, and to close its connection once its calls have ended. */
  readonly goawayMs: number;
};

/**
 * Source: Google's load balancers keep idle connections for 600 s; those of AWS drop them after 350 s without
 * a packet.
 */
export const HTTP2_PATIENCE: Http2Patience = {
  idleMs: 660_000,
  pingEveryMs: 60_000,
  pingTimeoutMs: 20_000,
  requestMs: 5_000,
  unreadMs: 75_000,
  lingerMs: 5_000,
  goawayMs: 2_000,
};

export type Http2Sessions = {
  /** Ends all connections, later ones too, and gives their peers so long to confirm it. */
  retireAll(goawayMs: number): void;
};

/**
 * A GOAWAY frame with the highest possible stream id: the peer must open no more streams, and those on their
 * way are accepted. Source: RFC 9113, section 6.8. Written directly to the socket, because Node's session
 * refuses all further streams from its own first GOAWAY on.
 */
const GOING_AWAY = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/**
 * Manages the connections of an HTTP/2 server: detects peers that have gone, and ends unused connections
 * without failing a call.
 */
export function keepHttp2Sessions(server: Http2Server, patience: Http2Patience, clock: Clock): Http2Sessions {
  const retires = new Map<ServerHttp2Session, (goawayMs: number) => void>();
  let retiring: number | undefined;

  onHttp2Session(server, (session, socket) => {
    const retire = keepSession(session, socket, patience, clock);
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

/** Returns the function that ends the session. */
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
   * Calls on their way when the peer gets the GOAWAY are still accepted: the last of them is known only once
   * the peer has answered the ping behind it.
   */
  function retire(goawayMs: number): void {
    if (retired || session.destroyed) return;
    retired = true;
    lingerMs = goawayMs;
    cancelIdle();
    const close = () => {
      session.close();
      if (streams === 0) linger();
    };
    // Node's TLS ends the process (CHECK in TLSWrap::DoWrite) if the session and another write to it at once.
    // There calls on their way are not accepted: the GOAWAY of `close` tells the peer that they never ran.
    if (session.encrypted === true) {
      close();
      return;
    }
    socket?.write(GOING_AWAY);
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

  /** The peer has to close the connection now; one that hangs does not, so the wait is limited. */
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
    boundStream(stream, patience, clock);
    stream.once("close", () => {
      streams -= 1;
      if (streams > 0) return;
      if (session.closed) linger();
      else if (!retired) idle();
    });
  }

  // Ends a connection whose peer never sends a frame.
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
