import { Counter, Gauge, type Registry } from "prom-client";

/** What a process with the role events knows of the sinks; there are at most some tens of them. */
export type SinkMetricsSource = {
  /** Counts since the start of the process, of the sinks that it delivers or has delivered to. */
  readonly figures: () => readonly {
    readonly sink: string;
    readonly delivered: number;
    readonly failed: number;
  }[];
  /** Each sink, also those that other processes deliver to. */
  readonly status: () => readonly {
    readonly sink: string;
    readonly kind: string;
    readonly state: "active" | "paused" | "gone";
    readonly isHere: boolean;
    readonly lagMs: number;
    readonly deadLetters: number;
  }[];
};

const LABELS = { labelNames: ["sink"] as const };

/** Only for a process with the role events: one without it knows nothing of sinks. */
export function addSinkMetrics(registry: Registry, { figures, status }: SinkMetricsSource): void {
  const registers = [registry];

  function addCounter(name: string, help: string, read: (figure: Figure) => number): void {
    new Counter({
      ...{ name, help, ...LABELS, registers },
      collect() {
        this.reset();
        // A count that appears at 3 has no increase: it begins at 0, before this process delivers.
        for (const { sink } of status()) this.inc({ sink }, 0);
        for (const figure of figures()) this.inc({ sink: figure.sink }, read(figure));
      },
    });
  }

  function addGauge(
    name: string,
    help: string,
    aggregator: "max" | "sum",
    read: (status: Status) => number | undefined,
  ): void {
    new Gauge({
      ...{ name, help, aggregator, ...LABELS, registers },
      collect() {
        this.reset();
        for (const one of status()) {
          const value = read(one);
          if (value !== undefined) this.set({ sink: one.sink }, value);
        }
      },
    });
  }

  addCounter(
    "coupon_sink_events_delivered_total",
    "Events that a sink took from this process.",
    ({ delivered }) => delivered,
  );
  addCounter(
    "coupon_sink_deliveries_failed_total",
    "Attempts of this process to deliver to a sink that failed.",
    ({ failed }) => failed,
  );
  // Every process with the role sees all sinks, so these are the same in each.
  addGauge(
    "coupon_sink_lag_seconds",
    "How long the oldest event has waited that a sink has not got; 0: it has got all. Absent while it is paused.",
    "max",
    ({ state, lagMs }) => (state === "active" ? lagMs / 1_000 : undefined),
  );
  addGauge(
    "coupon_sink_dead_letters",
    "Batches of events that a sink did not take for a day, until they are replayed or dropped.",
    "max",
    ({ deadLetters }) => deadLetters,
  );
  addGauge(
    "coupon_sink_delivering",
    "1 where this process delivers to the sink, else 0.",
    "sum",
    ({ isHere }) => (isHere ? 1 : 0),
  );
  new Gauge({
    name: "coupon_sinks",
    help: "Sinks that this process sees, also paused ones; 0: none, or it has not read them yet.",
    ...{ aggregator: "max", registers },
    collect() {
      this.set(status().length);
    },
  });
  new Gauge({
    name: "coupon_sink_info",
    help: "1, with the kind of the sink and its state; gone: paused, because its receiver said that it is gone.",
    ...{ aggregator: "max", registers, labelNames: ["sink", "kind", "state"] as const },
    collect() {
      this.reset();
      for (const { sink, kind, state } of status()) this.set({ sink, kind, state }, 1);
    },
  });
}

type Figure = ReturnType<SinkMetricsSource["figures"]>[number];
type Status = ReturnType<SinkMetricsSource["status"]>[number];
