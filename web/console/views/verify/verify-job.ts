import type {
  VerifyCampaignRequest,
  VerifyCampaignResponse,
  VerifyProgress,
  VerifyReport,
} from "../../../../proto/gen/coupon/v1/verify_pb.ts";
import { createStore, type Store } from "../../session/store.ts";
import { isBroken } from "../broken.ts";

/** The call that a verification makes; the operators' client has it. */
export type VerifyApi = {
  verifyCampaign(
    request: Partial<Pick<VerifyCampaignRequest, "campaignId" | "offendersMax">>,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<VerifyCampaignResponse>;
};

export type VerifyState =
  | { readonly kind: "idle" }
  /** `breaks`: how often the connection broke, and the audit began anew. */
  | { readonly kind: "running"; readonly progress: VerifyProgress | undefined; readonly breaks: number }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "done"; readonly report: VerifyReport };

/** The verification of one campaign, which goes on while another view is looked at. */
export type VerifyJob = {
  readonly state: Pick<Store<VerifyState>, "get" | "subscribe">;
  start(): Promise<void>;
  cancel(): void;
};

/** An audit begins from the start each time: more tries would only burden a service in trouble. */
const TRIES_MAX = 3;

export function createVerifyJob(
  api: VerifyApi,
  campaignId: string,
  wait: (ms: number, signal: AbortSignal) => Promise<void>,
): VerifyJob {
  const state = createStore<VerifyState>({ kind: "idle" });
  let stopping = new AbortController();

  async function readOnce(breaks: number, signal: AbortSignal): Promise<VerifyReport | undefined> {
    for await (const { message } of api.verifyCampaign({ campaignId }, { signal })) {
      if (message.case === "report") return message.value;
      if (message.case === "progress") state.set({ kind: "running", progress: message.value, breaks });
    }
    return undefined;
  }

  async function read(signal: AbortSignal): Promise<VerifyReport> {
    for (let breaks = 0; ; breaks += 1) {
      state.set({ kind: "running", progress: undefined, breaks });
      let broke: unknown;
      try {
        const report = await readOnce(breaks, signal);
        if (report !== undefined) return report;
        broke = new Error("the service ended the stream without a report");
      } catch (error) {
        signal.throwIfAborted();
        if (!isBroken(error)) throw error;
        broke = error;
      }
      if (breaks + 1 >= TRIES_MAX) throw broke;
      await wait(1_000 * (breaks + 1), signal);
    }
  }

  return {
    state,
    async start() {
      if (state.get().kind === "running") return;
      stopping = new AbortController();
      const { signal } = stopping;
      try {
        const report = await read(signal);
        if (!signal.aborted) state.set({ kind: "done", report });
      } catch (error) {
        if (!signal.aborted) state.set({ kind: "failed", error });
      }
    },
    cancel() {
      stopping.abort();
      state.set({ kind: "idle" });
    },
  };
}
