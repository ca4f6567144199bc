import type { LookupFunction, TcpNetConnectOpts } from "node:net";
import { type ChannelModel, type ConfirmChannel, connect, type Message, type SocketOptions } from "amqplib";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { RabbitMqAddress } from "./rabbitmq-address.ts";
import { ensureExchange } from "./rabbitmq-exchange.ts";
import type { RabbitMqMessage } from "./rabbitmq-message.ts";

/** What became of a message. `returned`: no queue is bound for it; `refused`: a queue did not take it. */
export type Outcome = "taken" | "returned" | "refused" | "lost";

/** A connection to a broker with one channel, on which messages go in order. */
export type RabbitMqLink = {
  readonly isOpen: () => boolean;
  /** The broker takes no messages now, as it said: it is short of memory or disk. */
  readonly isBlocked: () => boolean;
  /** Why it is closed, in the words of the broker or of Node.js; undefined: nobody said. */
  readonly trouble: () => unknown;
  /** Publishes in this order and resolves when the broker has answered about each, or the link is closed. */
  publish(messages: readonly RabbitMqMessage[]): Promise<Outcome[]>;
  /** Resolves when the broker takes messages, or the link is closed. */
  unblocked(): Promise<void>;
  /** Closes in an orderly manner, within a second. */
  close(): Promise<void>;
  /** Cuts the connection; what is still in its buffers is gone. */
  cut(): void;
};

export type LinkOptions = {
  readonly exchange: string;
  readonly lookup: LookupFunction;
  readonly clock: Pick<Clock, "after">;
  /** Cuts the connection, also while it is being opened. */
  readonly signal: AbortSignal;
};

const OPEN_MS = 10_000;
const CLOSE_MS = 1_000;
const ADDRESS_MS = 2_000;
const HEARTBEAT_S = 15;
/** The broker answers with small frames only; a larger one ends the connection. */
const FRAME_BYTES_MAX = 1_048_576;
const NACKED = "message nacked";

/** @throws an error of Node.js or of the broker where it cannot be opened within ten seconds */
export async function openLink(
  address: RabbitMqAddress,
  { exchange, lookup, clock, signal }: LinkOptions,
): Promise<RabbitMqLink> {
  const ending = new AbortController();
  const cut = () => ending.abort();
  signal.addEventListener("abort", cut);
  const unlink = () => signal.removeEventListener("abort", cut);
  const cancel = clock.after(OPEN_MS, cut);
  try {
    signal.throwIfAborted();
    const model = await connectTo(address, lookup, ending.signal);
    model.on("close", unlink);
    const state = watchConnection(model);
    await ensureExchange(model, exchange);
    const channel = await model.createConfirmChannel();
    return linkOf({ model, channel, state, exchange, clock, cut });
  } catch (error) {
    cut();
    unlink();
    throw error;
  } finally {
    cancel();
  }
}

function connectTo(
  { isEncrypted, host, port, user, vhost }: RabbitMqAddress,
  lookup: LookupFunction,
  signal: AbortSignal,
): Promise<ChannelModel> {
  const socket: SocketOptions & Pick<TcpNetConnectOpts, "signal" | "autoSelectFamilyAttemptTimeout"> = {
    ...{ lookup, signal, autoSelectFamilyAttemptTimeout: ADDRESS_MS, noDelay: true, keepAlive: true },
    clientProperties: { connection_name: "coupon-issuer" },
  };
  return connect(
    {
      protocol: isEncrypted ? "amqps" : "amqp",
      ...{ hostname: host, port, vhost, heartbeat: HEARTBEAT_S, maxFrameSize: FRAME_BYTES_MAX },
      ...(user === undefined ? {} : { username: user.name, password: user.password }),
    },
    socket,
  );
}

type State = {
  isOpen: boolean;
  isBlocked: boolean;
  trouble: unknown;
  /** Called when it is no longer blocked, or no longer open. */
  readonly waiting: (() => void)[];
};

/** Listens from the start: an error of a connection without a listener ends the process. */
function watchConnection(model: ChannelModel): State {
  const state: State = { isOpen: true, isBlocked: false, trouble: undefined, waiting: [] };
  model.on("error", (error: Error) => {
    state.trouble ??= error;
  });
  model.on("close", (error?: Error) => {
    state.trouble ??= error;
    state.isOpen = false;
    wake(state);
  });
  model.on("blocked", () => {
    state.isBlocked = true;
  });
  model.on("unblocked", () => {
    state.isBlocked = false;
    wake(state);
  });
  return state;
}

function wake({ waiting }: State): void {
  for (const resolve of waiting.splice(0)) resolve();
}

type LinkParts = {
  readonly model: ChannelModel;
  readonly channel: ConfirmChannel;
  readonly state: State;
  readonly exchange: string;
  readonly clock: Pick<Clock, "after">;
  readonly cut: () => void;
};

function linkOf({ model, channel, state, exchange, clock, cut }: LinkParts): RabbitMqLink {
  /** The broker answers about a returned message once more, as if a queue had it. */
  const returned = new Set<unknown>();
  channel.on("return", ({ properties }: Message) => void returned.add(properties.messageId));
  channel.on("error", (error: Error) => {
    state.trouble ??= error;
  });
  channel.on("close", () => {
    state.isOpen = false;
    wake(state);
    cut();
  });

  function publishOne({ key, content, options }: RabbitMqMessage): Promise<Outcome> {
    return new Promise((resolve) => {
      try {
        channel.publish(exchange, key, content, options, (error: unknown) => {
          const isReturned = returned.delete(options.messageId);
          if (error === null || error === undefined) resolve(isReturned ? "returned" : "taken");
          else resolve(error instanceof Error && error.message === NACKED ? "refused" : "lost");
        });
      } catch {
        // The channel is closed.
        resolve("lost");
      }
    });
  }

  return {
    isOpen: () => state.isOpen,
    isBlocked: () => state.isBlocked,
    trouble: () => state.trouble,
    publish: (messages) => Promise.all(messages.map(publishOne)),
    async unblocked() {
      while (state.isBlocked && state.isOpen)
        await new Promise<void>((resolve) => void state.waiting.push(resolve));
    },
    async close() {
      if (state.isOpen) {
        const closed = model.close().catch(() => undefined);
        await Promise.race([closed, sleep(clock, CLOSE_MS)]);
      }
      cut();
    },
    cut() {
      // Node says so only later.
      state.isOpen = false;
      cut();
    },
  };
}
