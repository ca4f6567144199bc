import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { type Answered, askUntilDefinite } from "./ask-again.ts";
import { type Clock, wait } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { againAfter, commonOutcome, type Failure, failureOf } from "./failure.ts";
import type { CommonOutcome } from "./outcome.ts";
import { CLAIM_BACK_OFF } from "./policy.ts";

/** A credential of the caller, or what fetches one; asked before each try, so that it may be renewed. */
export type Token = string | (() => string | Promise<string>);

/** What a call does between its beginning and its outcome. */
export type Progress =
  | { readonly kind: "asking"; readonly tries: number }
  | {
      readonly kind: "waiting";
      /**
       * `start`: the campaign has not opened. `offline`: the device has no network. `unreachable`: no answer
       * came. `busy`: the service asked to come back.
       */
      readonly why: "start" | "offline" | "unreachable" | "busy";
      readonly waitMs: number;
      readonly tries: number;
      /** Of the last try. */
      readonly message: string;
      readonly startsAt: Date | undefined;
    };

export type CallOptions = {
  /** Ends the call, which then rejects with the signal's reason, an AbortError by default. */
  readonly signal?: AbortSignal | undefined;
  /** Default: until the answer is definite. The wait for the start of a campaign does not count. */
  readonly patienceMs?: number | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
};

export type Caller = {
  readonly transport: Transport;
  readonly token: Token | undefined;
  readonly tryTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly connection: Connection;
};

/** @throws RangeError: such a time would never be over, or be over at once */
export function requireDuration(name: string, ms: number): void {
  if (!(ms >= 0)) throw new RangeError(`${name} is ${ms}: give milliseconds, 0 or more`);
}

/** How a call reads its answers. */
export type Reading<M, T> = {
  /** Undefined: the answer is not whole, and the call is asked again. */
  readonly onAnswer: (message: M) => T | undefined;
  /** Undefined: the outcomes that all calls share. */
  readonly onFailure?: (failure: Failure) => Answered<T> | undefined;
};

/** A browser that says it has no network is asked all the same after so long: some are wrong. */
const OFFLINE_LOOK_MS = 15_000;

/** @throws the signal's reason; RangeError where `patienceMs` is no length of time */
export async function callUntilDefinite<I extends DescMessage, O extends DescMessage, T>(
  caller: Caller,
  method: DescMethodUnary<I, O>,
  input: MessageInitShape<I>,
  { onAnswer, onFailure }: Reading<MessageShape<O>, T>,
  { signal, patienceMs = Number.POSITIVE_INFINITY, onProgress }: CallOptions,
): Promise<T | CommonOutcome> {
  requireDuration("patienceMs", patienceMs);
  const { clock, random, connection } = caller;
  let failure: Failure | undefined;
  const { answer } = await askUntilDefinite<T | CommonOutcome>({
    async ask(tries) {
      signal?.throwIfAborted();
      onProgress?.({ kind: "asking", tries });
      try {
        failure = undefined;
        const answer = onAnswer(await tryOnce(caller, method, input, signal));
        if (answer !== undefined) return { answer };
        failure = failureOf(new ConnectError("an answer that is not whole", Code.DataLoss));
      } catch (error) {
        signal?.throwIfAborted();
        failure = failureOf(error);
      }
      return onFailure?.(failure) ?? { answer: commonOutcome(failure), again: againAfter(failure) };
    },
    async wait(waitMs, { again }, tries) {
      const isLost = failure?.reason === undefined;
      const isOffline = isLost && !connection.isOnline();
      const why = again?.isPaced ? "start" : isOffline ? "offline" : isLost ? "unreachable" : "busy";
      const { message = "", startsAt } = failure ?? {};
      onProgress?.({ kind: "waiting", why, waitMs, tries, message, startsAt });
      const longest = isOffline ? Math.max(waitMs, OFFLINE_LOOK_MS) : waitMs;
      await wait(clock, longest, signal, isLost ? connection.onOnline : undefined);
    },
    backOff: CLAIM_BACK_OFF,
    ...{ random, clock, patienceMs, signal },
  });
  signal?.throwIfAborted();
  return answer;
}

/** One request. @throws the transport's error, the signal's reason, and an error after `tryTimeoutMs` */
export async function tryOnce<I extends DescMessage, O extends DescMessage>(
  { transport, token, tryTimeoutMs, clock }: Caller,
  method: DescMethodUnary<I, O>,
  input: MessageInitShape<I>,
  signal: AbortSignal | undefined,
): Promise<MessageShape<O>> {
  const own = new AbortController();
  const stop = (): void => own.abort(signal?.reason);
  signal?.addEventListener("abort", stop);
  const late = new ConnectError("no answer in time", Code.DeadlineExceeded);
  const cancel = clock.after(tryTimeoutMs, () => own.abort(late));
  // A transport, or a token's function, need not honour the signal.
  const ended = new Promise<never>((_resolve, reject) => {
    own.signal.addEventListener("abort", () => reject(own.signal.reason));
  });
  const send = async (): Promise<MessageShape<O>> => {
    const header = new Headers();
    const credential = typeof token === "function" ? await token() : token;
    if (credential !== undefined) setCredential(header, credential);
    own.signal.throwIfAborted();
    const answer = await transport.unary(method, own.signal, tryTimeoutMs, header, input);
    return answer.message;
  };
  try {
    return await Promise.race([send(), ended]);
  } finally {
    cancel();
    signal?.removeEventListener("abort", stop);
  }
}

/** The platform's own error would repeat the credential, and asking again does not mend it. */
function setCredential(header: Headers, credential: string): void {
  try {
    header.set("authorization", `Bearer ${credential}`);
  } catch {
    throw new ConnectError("the token has characters that no header can have", Code.Unauthenticated);
  }
}
