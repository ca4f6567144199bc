import type { SinkSettings } from "../record/event-documents.ts";
import type { CloudEvent } from "./cloud-event.ts";

/** A receiver of events outside of the service. */
export type Sink = {
  /** It takes so many events in one delivery at most; absent: any number. */
  readonly eventsMax?: number;
  /**
   * Delivers events, all of one campaign and in their order. Resolves once the receiver has taken all of
   * them: they are then never delivered again, unless this process ends before that is recorded.
   * @throws DeliveryFailed, or another error: each may have been taken or not; all are delivered again
   */
  deliver(events: readonly CloudEvent[], signal: AbortSignal): Promise<void>;
  /** Releases connections. No delivery is under way then. */
  close(): Promise<void>;
};

/** Opens a sink; it connects with the first delivery. */
export type OpenSink = (settings: SinkSettings) => Sink;

export type DeliveryFailedOptions = {
  readonly retryAfterMs?: number | undefined;
  readonly isGone?: boolean;
  readonly cause?: unknown;
};

/** The receiver did not take a delivery. */
export class DeliveryFailed extends Error {
  override readonly name = "DeliveryFailed";
  /** The receiver asks for so much time before the next attempt; undefined: it says nothing. */
  readonly retryAfterMs: number | undefined;
  /** The receiver says that it is gone and wants no further attempt: the sink is paused. */
  readonly isGone: boolean;

  /** `message` holds no credential, no code and no user id: operators read it, and logs keep it. */
  constructor(message: string, { retryAfterMs, isGone = false, cause }: DeliveryFailedOptions = {}) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
    this.isGone = isGone;
  }
}

/** What a sink of this kind needs to be opened, as it is stored (record/event-documents.ts). */
export type {
  RabbitMqSettings,
  SinkSettings,
  WebhookSecret,
  WebhookSettings,
} from "../record/event-documents.ts";
