import { constants, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import { sourceGroupOf } from "../../runtime/source-group.ts";
import { type BudgetLimits, createBudget, createSourceBudgets } from "./budget.ts";
import type { CutReason, NoteCut } from "./connection-gate.ts";
import { onHttp2Session } from "./http2-arrivals.ts";

export type Http2WasteLimits = {
  /**
   * Calls of a connection that end unanswered: reset by the caller, or by this server for what the caller
   * sent. Each answered call gives one back, so a proxy whose callers leave now and then is never cut.
   */
  readonly resets: BudgetLimits;
  /** The same for all connections of a source together. */
  readonly sourceResets: BudgetLimits;
  /** PING and SETTINGS frames of a connection; gRPC clients measure their bandwidth by pings. */
  readonly controlFrames: BudgetLimits;
};

export const HTTP2_WASTE_LIMITS: Http2WasteLimits = {
  resets: { most: 100, perSecond: 10 },
  sourceResets: { most: 400, perSecond: 40 },
  controlFrames: { most: 1_000, perSecond: 1_000 },
};

/** Node's options against rapid resets (`streamResetBurst`, `streamResetRate`) have no effect in Node 20. */
export function boundHttp2Waste(
  server: Http2Server,
  limits: Http2WasteLimits,
  isProxy: (address: string) => boolean,
  noteCut: NoteCut,
  clock: Pick<Clock, "elapsed">,
): { readonly isRefused: (source: string) => boolean } {
  const sources = createSourceBudgets(limits.sourceResets, clock);

  function watch(session: ServerHttp2Session, socket: Socket | undefined): void {
    const address = socket?.remoteAddress ?? "";
    const budgets = [createBudget(limits.resets, clock)];
    if (!isProxy(address)) budgets.push(sources.of(sourceGroupOf(address)));
    const control = createBudget(limits.controlFrames, clock);

    function cut(why: CutReason): void {
      if (session.destroyed) return;
      noteCut(why);
      session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
      socket?.destroy();
    }

    const onControlFrame = () => {
      if (!control.spend()) cut("control_frames");
    };
    session.on("ping", onControlFrame);
    session.on("remoteSettings", onControlFrame);
    session.on("stream", (stream) => {
      stream.once("close", () => {
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR && stream.writableFinished)
          for (const budget of budgets) budget.earn();
        else if (!budgets.map((budget) => budget.spend()).every(Boolean)) cut("resets");
      });
    });
  }

  onHttp2Session(server, watch);
  return { isRefused: (source) => sources.isSpent(source) };
}
