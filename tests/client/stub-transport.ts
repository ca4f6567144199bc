import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import type { FakeClock } from "../support/fake-clock.ts";

export type Asked = {
  readonly method: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly header: Headers;
  readonly signal: AbortSignal | undefined;
  readonly isGet: boolean;
};

/** A transport that the test answers: for the client's decisions, which meet a real service elsewhere. */
export function stubTransport(answer: (asked: Asked) => unknown): Transport {
  return {
    async unary(method, signal, _timeoutMs, header, input) {
      const asked = {
        method: method.name,
        input: input as Asked["input"],
        header: new Headers(header),
        signal,
        isGet: method.idempotency === 1,
      };
      const message = create(method.output, (await answer(asked)) as MessageInitShape<typeof method.output>);
      const headers = new Headers();
      return {
        ...{ stream: false, service: method.parent, method, message },
        ...{ header: headers, trailer: headers },
      };
    },
    stream() {
      throw new Error("not asked here");
    },
  };
}

export type Reason = keyof typeof RefusalReason;

/** The error that the service answers with; `code` is that of the reason only where the test needs it. */
export function refusing(
  reason: Reason,
  fields: MessageInitShape<typeof RefusalSchema> = {},
  code = Code.FailedPrecondition,
): ConnectError {
  const value = { ...fields, reason: RefusalReason[reason] };
  return new ConnectError(reason, code, undefined, [{ desc: RefusalSchema, value }]);
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise(setImmediate);
}

/** Passes time until the promise has settled: from one timer to the next. */
export async function passUntil<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => {});
  for (;;) {
    await settle();
    if (isSettled) return settled;
    const next = Math.min(...clock.waiting());
    if (!Number.isFinite(next)) throw new Error("nothing is waited for");
    clock.pass(next);
  }
}

/** Passes time in steps, and lets what is due happen after each. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  const endMs = clock.elapsed() + ms;
  for (;;) {
    await settle();
    const leftMs = endMs - clock.elapsed();
    if (leftMs <= 0) return;
    clock.pass(Math.min(leftMs, ...clock.waiting()));
  }
}
