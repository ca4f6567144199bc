import { type Server as HttpServer, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { IssueAnswers } from "../rpc/issue-answer.ts";
import { callerOf } from "./fast-path.ts";
import type { InFlight } from "./in-flight.ts";
import type { PlainAnswer } from "./plain-call.ts";
import { createPlainHeadReader } from "./plain-head.ts";

export type SocketLaneDeps = {
  answers: IssueAnswers;
  inFlight: InFlight;
  clock: Clock;
  /** Whether the answer under way on this connection is its last, because the server drains. */
  isLast: (socket: Socket) => boolean;
  /** The most bytes of a body. */
  readMaxBytes: number;
  /** How long the lane waits for the first byte of a connection, or for the rest of a request, before Node's server does; in ms. */
  patienceMs?: number;
};

const PATIENCE_MS = 2_000;
/** What may gather behind a request under way before the connection is read no further. */
const GATHERED_BYTES_MAX = 64 * 1_024;

/**
 * Puts the shortest way to a coupon in front of Node's HTTP server: a connection on which one plain request for a coupon comes after the
 * other is read and answered here, without the objects, events and timers that a general server needs for each request (about 8 of its
 * 16 µs). The first request that is not plain in any way, that comes before the last was answered, or that does not come whole
 * in time, goes to the server with all bytes of it and the connection for good: what is odd is understood in one place only.
 */
export function putSocketLane(server: HttpServer, deps: SocketLaneDeps): void {
  const { answers, inFlight, clock, isLast, readMaxBytes, patienceMs = PATIENCE_MS } = deps;
  const [toHttp, ...others] = server.listeners("connection");
  if (toHttp === undefined || others.length > 0)
    throw new Error("the socket lane must come before anybody else listens to the server's connections");
  const readHead = createPlainHeadReader(readMaxBytes);
  const dateNow = createDateHeader(clock);

  /** As Node's server writes it. */
  function write(socket: Socket, { status, type, body }: PlainAnswer, last: boolean): boolean {
    const isText = typeof body === "string";
    const length = isText ? Buffer.byteLength(body) : body.byteLength;
    const kept = last
      ? "Connection: close\r\n"
      : `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(server.keepAliveTimeout / 1_000)}\r\n`;
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\nDate: ${dateNow()}\r\n${kept}\r\n`;
    // One write, one packet.
    if (!isText) return socket.write(Buffer.concat([Buffer.from(head, "latin1"), body]));
    return socket.write(head + body, length === body.length ? "latin1" : "utf8");
  }

  function serve(socket: Socket): void {
    /** What came of a request that is not whole, or behind the one under way. */
    let gathered: Buffer | undefined;
    let gatheringSinceMs = 0;
    let busy = false;
    let quietMs = 0;

    function allowQuiet(ms: number): void {
      if (quietMs === ms) return;
      quietMs = ms;
      socket.setTimeout(ms);
    }

    function leave(bytes: Buffer | undefined): void {
      socket.off("data", take).off("end", end).off("timeout", quiet).off("error", destroy);
      socket.setTimeout(0);
      if (bytes !== undefined) socket.unshift(bytes);
      toHttp?.call(server, socket);
      if (socket.isPaused()) socket.resume();
    }

    function answered(answer: PlainAnswer): void {
      if (socket.destroyed || !socket.writable) return;
      const last = isLast(socket);
      const flushed = write(socket, answer, last);
      if (last) {
        // As Node's server ends a connection: nothing more is read, and a caller that keeps its half open does not keep the socket.
        socket.off("data", take);
        socket.destroySoon();
      } else if (!flushed) {
        socket.pause();
        socket.once("drain", () => socket.resume());
      }
    }

    function take(chunk: Buffer): void {
      const bytes = gathered === undefined ? chunk : Buffer.concat([gathered, chunk]);
      if (busy) {
        gathered = bytes;
        if (bytes.length > GATHERED_BYTES_MAX) socket.pause();
        return;
      }
      const read = readHead(bytes);
      if (read === undefined) {
        leave(bytes);
        return;
      }
      if (read === "more" || bytes.length < read.bodyAt + read.head.length) {
        if (gathered === undefined) gatheringSinceMs = clock.elapsed();
        gathered = bytes;
        if (clock.elapsed() - gatheringSinceMs > patienceMs) leave(bytes);
        else allowQuiet(patienceMs);
        return;
      }
      const { head, bodyAt } = read;
      const endAt = bodyAt + head.length;
      const ask = answers.read(head.codec, bytes.subarray(bodyAt, endAt));
      if (ask === undefined) {
        leave(bytes);
        return;
      }
      gathered = bytes.length === endAt ? undefined : bytes.subarray(endAt);
      const answer = answers.answer(head.codec, ask, callerOf(socket, clock, head.timeoutMs));
      // Longer than Node's server allows: it, too, waits a little for a request that is on its way.
      allowQuiet(server.keepAliveTimeout + 1_000);
      if (answer instanceof Promise) {
        busy = true;
        inFlight.begin(socket);
        void answer.then(finish);
      } else {
        answered(answer);
        goOn();
      }
    }

    function finish(answer: PlainAnswer): void {
      busy = false;
      answered(answer);
      goOn();
      inFlight.end(socket);
    }

    /** More came before the answer: whoever sends like that is Node's server's to serve. */
    function goOn(): void {
      if (gathered === undefined || socket.destroyed || !socket.writable) return;
      const bytes = gathered;
      gathered = undefined;
      leave(bytes);
    }

    /** The caller closed its half: as Node's server does, what is under way is not answered any more. */
    function end(): void {
      if (gathered !== undefined && !busy)
        socket.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      socket.end();
    }

    function quiet(): void {
      if (busy) return;
      if (quietMs === patienceMs) leave(gathered);
      else socket.destroy();
    }

    function destroy(): void {
      socket.destroy();
    }

    socket.on("data", take).on("end", end).on("timeout", quiet).on("error", destroy);
    allowQuiet(patienceMs);
  }

  server.removeAllListeners("connection");
  server.on("connection", serve);
}

/** The Date field, made once a second. */
function createDateHeader(clock: Clock): () => string {
  let second = Number.NaN;
  let text = "";
  return () => {
    const nowMs = clock.now();
    const now = Math.floor(nowMs / 1_000);
    if (now !== second) {
      second = now;
      text = new Date(nowMs).toUTCString();
    }
    return text;
  };
}
