import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { systemClock } from "../../../client/clock.ts";
import type { ServerClock } from "../../../client/server-clock.ts";
import type { WatchCampaignResponse } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Api } from "../session/api.ts";
import { createStore, type Store } from "../session/store.ts";
import { type SeenEvent, withEvents } from "./events.ts";

/**
 * `suspended`: the tab has been in the background for a while, so it holds no stream; `gone` and `denied` are
 * final.
 */
export type WatchPhase = "connecting" | "live" | "reconnecting" | "suspended" | "gone" | "denied";

/** A message, as the charts need it. */
export type WatchSample = {
  readonly atMs: number;
  readonly message: WatchCampaignResponse;
  /** Whether it is the first message of its stream, which has no rate of issuing yet. */
  readonly isFirst: boolean;
};

/** All that is known of a watched campaign; a new object at each change. */
export type WatchState = {
  readonly phase: WatchPhase;
  /** The latest message; undefined: none has arrived yet. */
  readonly message: WatchCampaignResponse | undefined;
  /** Oldest first, each once, whatever the connection did meanwhile. */
  readonly events: readonly SeenEvent[];
  /** The latest messages, oldest first, by the server's clock. A gap: there was no connection. */
  readonly samples: readonly WatchSample[];
  /** Why the last stream broke; undefined: it did not. */
  readonly trouble: unknown;
};

export type CampaignWatch = {
  readonly state: Store<WatchState>;
  /** Opens the stream at once instead of waiting for the next try. */
  hurry(): void;
  /** Closes the stream until `hurry`. */
  suspend(): void;
  close(): void;
};

const INTERVAL_MS = 1_000;
/** A stream that was silent for so long is broken, even where no error arrived. */
const SILENCE_MS = 8_000;
const BACK_OFF_MS = { first: 250, most: 8_000 } as const;
export const SAMPLES_MAX = 900;

type WatchDeps = { readonly api: Api; readonly serverClock: ServerClock };

export function watchCampaign(campaignId: string, { api, serverClock }: WatchDeps): CampaignWatch {
  const state = createStore<WatchState>({
    phase: "connecting",
    message: undefined,
    events: [],
    samples: [],
    trouble: undefined,
  });
  const update = (change: Partial<WatchState>) => state.set({ ...state.get(), ...change });
  let revision: number | undefined;
  let stream: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isClosed = false;

  async function follow(): Promise<void> {
    clearTimeout(timer);
    if (isClosed || stream !== undefined) return;
    const own = new AbortController();
    stream = own;
    const phase = state.get().message === undefined ? "connecting" : "reconnecting";
    update({ phase });
    let silence: ReturnType<typeof setTimeout> | undefined;
    const noteSound = () => {
      clearTimeout(silence);
      silence = setTimeout(() => own.abort(new Error("silent")), SILENCE_MS);
    };
    try {
      noteSound();
      const request = { campaignId, intervalMs: INTERVAL_MS, keepOn: true };
      const goingOn = revision === undefined ? {} : { afterRevision: revision };
      let isFirst = true;
      for await (const message of api.watchCampaign({ ...request, ...goingOn }, { signal: own.signal })) {
        noteSound();
        take(message, isFirst);
        isFirst = false;
        failures = 0;
      }
      lost(own, undefined);
    } catch (error) {
      lost(own, error);
    } finally {
      clearTimeout(silence);
    }
  }

  function take(message: WatchCampaignResponse, isFirst: boolean): void {
    const { events, samples } = state.get();
    const atMs = message.serverTime === undefined ? Date.now() : timestampMs(message.serverTime);
    serverClock.atLeast(systemClock.elapsed(), atMs);
    revision = message.revision ?? revision;
    update({
      phase: "live",
      message,
      events: withEvents(events, message.events, isFirst),
      samples: [...samples, { atMs, message, isFirst }].slice(-SAMPLES_MAX),
      trouble: undefined,
    });
  }

  function lost(own: AbortController, error: unknown): void {
    if (stream !== own) return;
    stream = undefined;
    if (isClosed) return;
    const code = error === undefined ? undefined : ConnectError.from(error).code;
    if (code === Code.NotFound || code === Code.PermissionDenied) {
      update({ phase: code === Code.NotFound ? "gone" : "denied", trouble: error });
      return;
    }
    // The session ends, and the page with it.
    if (code === Code.Unauthenticated) return;
    // MongoDB may have lost the latest revision with its primary: begin as at first, events are merged.
    if (code === Code.InvalidArgument) revision = undefined;
    const hasMessage = state.get().message !== undefined;
    update({ phase: hasMessage ? "reconnecting" : "connecting", trouble: error });
    const most = Math.min(BACK_OFF_MS.most, BACK_OFF_MS.first * 2 ** failures);
    failures++;
    timer = setTimeout(() => void follow(), Math.random() * most);
  }

  function drop(): void {
    clearTimeout(timer);
    const old = stream;
    stream = undefined;
    old?.abort();
  }

  void follow();
  return {
    state,
    hurry() {
      if (["gone", "denied"].includes(state.get().phase)) return;
      failures = 0;
      void follow();
    },
    suspend() {
      if (["gone", "denied"].includes(state.get().phase)) return;
      drop();
      update({ phase: "suspended" });
    },
    close() {
      isClosed = true;
      drop();
    },
  };
}
