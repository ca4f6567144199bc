import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { CHALLENGE_HEADER, type RemoteCaller } from "../../claims/issue.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { IsLast } from "./last-answer.ts";
import { type Codec, type PlainAnswer, readPlainHead } from "./plain-call.ts";
import type { SourceAddressOf } from "./source-address.ts";

/**
 * A method from body to answer, without the framework; undefined: an unusual request, for the framework.
 * Never rejects.
 */
export type FastMethod = (
  codec: Codec,
  body: Buffer,
  caller: RemoteCaller,
) => PlainAnswer | Promise<PlainAnswer> | undefined;

export type FastPathDeps = {
  /** By path. */
  methods: ReadonlyMap<string | undefined, FastMethod>;
  clock: Clock;
  /** The most bytes of a body; the framework refuses longer ones. */
  readMaxBytes: number;
  isLast: IsLast;
  /** Called with the status of each answer that was made here. */
  noteStatus: (caller: RemoteCaller, status: number) => void;
  sourceAddressOf: SourceAddressOf;
  /** The framework, which gets all other requests. */
  otherwise: RequestListener;
};

/**
 * Callers send few different hosts: valid ones are kept, unless they are longer than a name and a port can
 * be.
 */
const HOSTS_MAX = 1_000;
const HOST_LENGTH_MAX = 260;

/**
 * Answers the calls of a launch, IssueCoupon and GetCampaignStatus, without the framework: a plain Connect
 * POST over HTTP/1.1, JSON or binary, uncompressed, with its length given. The framework's work for each
 * request costs several times the claim. Every other or unusual request is passed to the framework unchanged;
 * a client cannot see which of the two answered. Node's parser alone reads HTTP: this code gets a head only
 * when it is complete.
 */
export function createFastPath(deps: FastPathDeps): RequestListener {
  const { methods, clock, readMaxBytes, isLast, noteStatus, sourceAddressOf, otherwise } = deps;
  const knownHosts = new Set<string>();

  /** Whether the framework accepts this Host: it makes a URL of it and refuses an invalid one. */
  function isHost(host: string): boolean {
    if (knownHosts.has(host)) return true;
    if (!URL.canParse(`http://${host}`)) return false;
    if (host.length > HOST_LENGTH_MAX) return true;
    if (knownHosts.size >= HOSTS_MAX) knownHosts.clear();
    knownHosts.add(host);
    return true;
  }

  function send(
    request: IncomingMessage,
    response: ServerResponse,
    answer: PlainAnswer,
    caller: RemoteCaller,
  ): void {
    const { status, type, body, retryAfterS } = answer;
    noteStatus(caller, status);
    const isText = typeof body === "string";
    const length = isText ? Buffer.byteLength(body) : body.byteLength;
    const fields = ["content-type", type, "content-length", String(length)];
    if (retryAfterS !== undefined) fields.push("retry-after", String(retryAfterS));
    if (isLast(request)) fields.push("connection", "close");
    response.writeHead(status, fields);
    // Node writes head and text as one string; a string of single-byte characters costs less work.
    const encoding = isText && length === body.length ? "latin1" : "utf8";
    const { socket } = response;
    if (socket === null) {
      // An earlier answer on this connection is not sent yet.
      response.end(body, encoding);
      return;
    }
    // `end(body)` alone makes two pieces, the second empty, and Node has to join them; after `write` nothing
    // is left to send.
    socket.cork();
    response.write(body, encoding);
    socket.uncork();
    response.end();
  }

  return (request, response) => {
    const run = methods.get(request.url);
    const head = run === undefined || request.method !== "POST" ? undefined : readPlainHead(request.headers);
    if (run === undefined || head === undefined || head.length > readMaxBytes || !isHost(head.host)) {
      otherwise(request, response);
      return;
    }
    const { codec, length, timeoutMs } = head;
    const caller = new ConnectedCaller(request, clock, sourceAddressOf, timeoutMs);
    let pieces: Buffer[] | undefined;
    let missing = length;
    const take = (piece: Buffer): void => {
      missing -= piece.length;
      if (missing > 0 || pieces !== undefined) {
        pieces ??= [];
        pieces.push(piece);
        if (missing > 0) return;
      }
      const body = pieces === undefined ? piece : Buffer.concat(pieces, length);
      const answer = run(codec, body, caller);
      if (answer === undefined) {
        request.off("data", take);
        request.pause();
        request.unshift(body);
        otherwise(request, response);
      } else if (answer instanceof Promise) void answer.then((told) => send(request, response, told, caller));
      else send(request, response, answer, caller);
    };
    request.on("data", take);
  };
}

/**
 * A caller that waits on a connection, at most until its deadline. A class, because a getter of an object
 * literal is made anew for every request.
 */
class ConnectedCaller implements RemoteCaller {
  // Kept here: a request that is destroyed before its end loses its socket.
  readonly #socket: Socket;
  readonly #headers: IncomingHttpHeaders;
  readonly #clock: Clock;
  readonly #sourceAddressOf: SourceAddressOf;
  readonly #deadlineMs: number;

  constructor(request: IncomingMessage, clock: Clock, sourceAddressOf: SourceAddressOf, timeoutMs: number) {
    this.#socket = request.socket;
    this.#headers = request.headers;
    this.#clock = clock;
    this.#sourceAddressOf = sourceAddressOf;
    this.#deadlineMs = timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : clock.elapsed() + timeoutMs;
  }

  get authorization(): string | undefined {
    return this.#headers.authorization;
  }

  get challenge(): string | undefined {
    return this.#headers[CHALLENGE_HEADER]?.toString();
  }

  get address(): string {
    return this.#sourceAddressOf({ socket: this.#socket, headers: this.#headers });
  }

  get aborted(): boolean {
    return this.#socket.destroyed || this.#clock.elapsed() >= this.#deadlineMs;
  }
}
