import cluster from "node:cluster";
import type { Registry } from "prom-client";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Ending } from "../../runtime/lifecycle.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { MetricsPage } from "./metrics-page.ts";

/** A worker's side of the channel to the process that forked it. */
export type PrimaryLink = {
  readonly metricsPage: MetricsPage;
};

export type PrimaryLinkOptions = {
  /** Called when the primary asks this worker to end. */
  onEnd: (ending: Ending) => void;
  /** Called when the primary has ended: no process replaces or ends this worker any more. */
  onAlone: () => void;
};

/** Longer than the primary waits for any worker's part. */
const PAGE_DEADLINE_MS = 3_000;

/** Resolves when the message has left this process, or never will. */
export function tellPrimary(message: FromWorker): Promise<void> {
  return new Promise<void>((resolve) => {
    if (!process.connected || process.send === undefined) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

export function createPrimaryLink({ onEnd, onAlone }: PrimaryLinkOptions): PrimaryLink {
  const pages = new Map<number, (text: string) => void>();
  let asks = 0;
  let readOwn: (() => Registry) | undefined;

  process.on("message", (message: ToWorker) => {
    switch (message.kind) {
      case "end":
        onEnd(message);
        break;
      case "metrics-wanted":
        void readOwn?.()
          .getMetricsAsJSON()
          .then((part) => tellPrimary({ kind: "metrics", ask: message.ask, part }));
        break;
      case "page":
        pages.get(message.ask)?.(message.text);
        break;
      default:
        message satisfies never;
    }
  });
  cluster.worker?.once("disconnect", () => {
    // Node exits a disconnected worker at once unless this flag is set; requests in flight must be answered
    // first.
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
    onAlone();
  });

  return {
    metricsPage(own) {
      readOwn = own;
      return () => {
        asks += 1;
        const ask = asks;
        const page = new Promise<string>((resolve) => void pages.set(ask, resolve));
        void tellPrimary({ kind: "page-wanted", ask });
        return withDeadline(page, PAGE_DEADLINE_MS, "the metrics of the group").finally(() =>
          pages.delete(ask),
        );
      };
    },
  };
}
