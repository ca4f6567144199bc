import type { RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { CHALLENGE_HEADER, type RemoteCaller } from "../../claims/issue.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Span } from "../../runtime/tracer.ts";
import { CALL_ID } from "./call-ids.ts";
import type { CallRecord } from "./call-record.ts";
import type { CallTrace, CallTraces } from "./call-traces.ts";
import type { CrossOrigin } from "./cross-origin.ts";
import type { BodyTaker, DirectRequest } from "./direct-request.ts";
import { createFastGets, type FastGet } from "./fast-get.ts";
import { gatherWrites } from "./gathered-writes.ts";
import type { IsLast } from "./last-answer.ts";
import { type Codec, type PlainAnswer, type PlainHead, readPlainHead } from "./plain-call.ts";
import type { Waiting } from "./refused-sources.ts";
import type { SourceAddressOf } from "./source-address.ts";
import type { Turns } from "./turns.ts";

/**
 * A method from body to answer, without the framework; undefined: an unusual request, for the framework.
 * Never rejects.
 */
export type FastMethod = (
  codec: Codec,
  body: Buffer,
  caller: FastCaller,
) => PlainAnswer | Promise<PlainAnswer> | undefined;

export type FastCaller = RemoteCaller &
  CallTrace & {
    /**
     * For work that costs more than a claim: resolves in its turn, never where the caller has left by then.
     * undefined: too many wait.
     */
    readonly turn: () => Promise<void> | undefined;
  };

export type FastPathDeps = {
  /** By path. */
  methods: ReadonlyMap<string, FastMethod>;
  /** Those that answer to GET, likewise. */
  gets: ReadonlyMap<string, FastGet>;
  clock: Clock;
  /** The most bytes of a body; the framework refuses longer ones. */
  readMaxBytes: number;
  isLast: IsLast;
  sourceAddressOf: SourceAddressOf;
  crossOrigin: Pick<CrossOrigin, "fieldsOf">;
  /** Takes down the calls of the method at a path. */
  recordOf: (path: string) => CallRecord;
  traces: CallTraces;
  /** Runs a call whose body has come, at once or in its turn. */
  inTurn: (waiting: Waiting, response: ServerResponse) => void;
  /** The turns of work that costs more than a claim, also for sources whose credentials are refused. */
  turnsOf: (isOfRefused: boolean) => Pick<Turns, "turn">;
  /** The framework, which gets all other requests. */
  otherwise: RequestListener;
};

/** The methods by path, those to POST and those to GET. */
export type FastMethods = Pick<FastPathDeps, "methods" | "gets">;

/** `name`: as in `coupon.v1.CouponService/IssueCoupon`. */
type Method = { readonly run: FastMethod; readonly record: CallRecord; readonly name: string };

/**
 * Callers send few different hosts: valid ones are kept, unless they are longer than a name and a port can
 * be.
 */
const HOSTS_MAX = 1_000;
const HOST_LENGTH_MAX = 260;

/**
 * Answers the calls of the public service without the framework: a plain Connect POST over HTTP/1.1, JSON or
 * binary, uncompressed, with its length given, or a plain Connect GET. The framework's work for each request
 * costs several times the claim. Every other or unusual request is passed to the framework unchanged; a
 * client cannot see which of the two answered. Node's parser alone reads HTTP: this code gets a head only
 * when it is complete.
 */
export function createFastPath(deps: FastPathDeps): RequestListener {
  const { readMaxBytes, otherwise } = deps;
  const methods: ReadonlyMap<string | undefined, Method> = new Map(
    [...deps.methods].map(([path, run]) => [path, { run, record: deps.recordOf(path), name: path.slice(1) }]),
  );
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

  const takesGet = createFastGets({ ...deps, isHost });

  return (request, response) => {
    const method = methods.get(request.url);
    const head =
      method === undefined || request.method !== "POST" ? undefined : readPlainHead(request.headers);
    if (method === undefined || head === undefined || head.length > readMaxBytes || !isHost(head.host)) {
      if (!takesGet(request, response)) otherwise(request, response);
    } else new PlainCall(deps, method, head, request as DirectRequest, response).begin();
  };
}

/**
 * A call whose body is being read, and the caller that waits on its connection for the answer, at most until
 * its deadline. One object and its methods: closures and getters of an object literal are made anew for every
 * request.
 */
class PlainCall implements BodyTaker, FastCaller, Waiting {
  readonly #deps: FastPathDeps;
  readonly #method: Method;
  readonly #codec: Codec;
  readonly request: DirectRequest;
  readonly #response: ServerResponse;
  // Kept here: a request that is destroyed before its end loses its socket.
  readonly #socket: Socket;
  readonly #beganMs: number;
  readonly #deadlineMs: number;
  readonly span: Span | undefined;
  #callId: string | undefined;
  #missing: number;
  #pieces: Buffer[] | undefined;
  #body: Buffer | undefined;
  #isItsTurn = false;
  #isOfRefused = false;

  constructor(
    deps: FastPathDeps,
    method: Method,
    { codec, length, timeoutMs }: PlainHead,
    request: DirectRequest,
    response: ServerResponse,
  ) {
    this.#deps = deps;
    this.#method = method;
    this.#codec = codec;
    this.request = request;
    this.#response = response;
    this.#socket = request.socket;
    this.#beganMs = deps.clock.elapsed();
    this.#deadlineMs = this.#beganMs + timeoutMs;
    this.span = deps.traces.isOn ? deps.traces.begin(request, method.name) : undefined;
    this.#missing = length;
  }

  /** It waits for its turn with its body, unless that is a stream's already, which is read in its turn. */
  begin(): void {
    if (this.request.isBodyToCome) this.request.takeBody(this);
    else this.#deps.inTurn(this, this.#response);
  }

  take(piece: Buffer): void {
    this.#missing -= piece.length;
    if (this.#missing > 0 || this.#pieces !== undefined) {
      this.#pieces ??= [];
      this.#pieces.push(piece);
      if (this.#missing > 0) return;
    }
    const body = this.#pieces === undefined ? piece : Buffer.concat(this.#pieces);
    if (this.#isItsTurn) {
      this.#answer(body);
      return;
    }
    this.#body = body;
    this.#deps.inTurn(this, this.#response);
  }

  run(isOfRefused: boolean): void {
    this.#isItsTurn = true;
    this.#isOfRefused = isOfRefused;
    if (this.#body === undefined) this.request.takeBody(this);
    else this.#answer(this.#body);
  }

  #answer(body: Buffer): void {
    const answer = this.#method.run(this.#codec, body, this);
    if (answer === undefined) {
      this.request.giveBack(body);
      this.#deps.traces.keep(this.request, { span: this.span, callId: this.callId });
      this.#deps.otherwise(this.request, this.#response);
    } else if (answer instanceof Promise) void answer.then((told) => this.#send(told));
    else this.#send(answer);
  }

  #send({ status, code, fields, body, encoding }: PlainAnswer): void {
    const { isLast, crossOrigin, clock } = this.#deps;
    this.#method.record.note(code, clock.elapsed() - this.#beganMs, this.span);
    const response = this.#response;
    const head = [...fields, CALL_ID, this.callId];
    const more = crossOrigin.fieldsOf(this.request);
    if (more.length > 0) head.push(...more);
    if (isLast(this.request)) head.push("connection", "close");
    response.writeHead(status, head);
    if (response.socket === null) {
      // An earlier answer on this connection is not sent yet. Ended now, this one would be kept as two pieces
      // and joined, which would cost the service more of a caller that pipelines.
      gatherWrites(this.#socket);
      response.once("socket", () => this.#end(body, encoding));
    } else this.#end(body, encoding);
  }

  #end(body: PlainAnswer["body"], encoding: PlainAnswer["encoding"]): void {
    const response = this.#response;
    // `end(body)` alone makes two pieces, the second empty, and Node has to join them; after `write` nothing
    // is left to send.
    response.socket?.cork();
    response.write(body, encoding);
    response.socket?.uncork();
    response.end();
  }

  turn(): Promise<void> | undefined {
    return this.#deps.turnsOf(this.#isOfRefused).turn(() => this.#socket.destroyed);
  }

  get callId(): string {
    this.#callId ??= this.#deps.traces.callIdOf(this.request, this.span);
    return this.#callId;
  }

  get authorization(): string | undefined {
    return this.request.headers.authorization;
  }

  get challenge(): string | undefined {
    return this.request.headers[CHALLENGE_HEADER]?.toString();
  }

  get address(): string {
    return this.#deps.sourceAddressOf({ socket: this.#socket, headers: this.request.headers });
  }

  get aborted(): boolean {
    return this.#socket.destroyed || this.#deps.clock.elapsed() >= this.#deadlineMs;
  }
}
