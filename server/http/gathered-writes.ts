import type { Socket } from "node:net";

/** So many bytes are gathered at most; what comes then waits until the socket has taken them. */
const GATHERED_BYTES_MAX = 16 * 1024;

type Chunk = { chunk: unknown; encoding: BufferEncoding };
type Callback = (error?: Error | null) => void;
type Send = (chunks: Chunk[], callback: Callback) => void;

const gatheredOf = new WeakMap<Socket, GatheredWrites>();

/**
 * From now on all that is written to a connection within one turn of the event loop is sent by one system
 * call. Node writes an answer of a caller that pipelines only when the one before it is written, so corking
 * the socket gathers nothing; and each system call costs as much as a third of a refusal.
 */
export function gatherWrites(socket: Socket): void {
  if (!gatheredOf.has(socket)) gatheredOf.set(socket, new GatheredWrites(socket));
}

/** Bytes that count as written on a connection and that it has not taken yet; 0 where nothing is gathered. */
export function gatheredBytes(socket: Socket): number {
  return gatheredOf.get(socket)?.length ?? 0;
}

/** Takes the place of what a socket does with a write, with its end and with its destruction. */
class GatheredWrites {
  readonly #send: Send;
  readonly #socket: Socket;
  #chunks: Chunk[] = [];
  #bytes = 0;
  #sending = 0;
  #isFlushComing = false;
  /** Of the write that waits, since enough is gathered or being sent. */
  #held: Callback | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    const { _writev, _final, _destroy } = socket;
    this.#send = (_writev as Send).bind(socket);
    socket._write = (chunk, encoding, callback) => {
      this.#take(chunk, encoding);
      this.#taken(callback);
    };
    socket._writev = (chunks, callback) => {
      for (const { chunk, encoding } of chunks) this.#take(chunk, encoding);
      this.#taken(callback);
    };
    socket._final = (callback) => this.#whenSent(() => _final.call(socket, callback));
    socket._destroy = (error, callback) => {
      this.#flush();
      _destroy.call(socket, error, callback);
    };
  }

  get length(): number {
    return this.#bytes + this.#sending;
  }

  #take(chunk: unknown, encoding: BufferEncoding): void {
    this.#chunks.push({ chunk, encoding });
    this.#bytes +=
      typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : (chunk as Uint8Array).length;
  }

  #taken(callback: Callback): void {
    if (this.#sending > 0 || this.#bytes >= GATHERED_BYTES_MAX) {
      this.#held = callback;
      this.#flush();
      return;
    }
    if (!this.#isFlushComing) {
      this.#isFlushComing = true;
      setImmediate(() => {
        this.#isFlushComing = false;
        this.#flush();
      });
    }
    callback();
  }

  #flush(): void {
    if (this.#sending > 0 || this.#bytes === 0) return;
    const chunks = this.#chunks;
    this.#sending = this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
    this.#send(chunks, (error) => {
      this.#sending = 0;
      const held = this.#held;
      this.#held = undefined;
      if (held !== undefined) held(error);
      else if (error) this.#socket.destroy(error);
      if (!error) this.#flush();
    });
  }

  #whenSent(then: () => void): void {
    this.#flush();
    if (this.#sending === 0) {
      then();
      return;
    }
    // The end of a stream comes after its last write, so nothing else is held.
    this.#held = (error) => {
      if (error) this.#socket.destroy(error);
      else this.#whenSent(then);
    };
  }
}
