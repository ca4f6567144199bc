import { Histogram, type HistogramConfiguration } from "prom-client";

type Labels<Label extends string> = Readonly<Record<Label, string>>;

/** The observations with one set of labels: a few comparisons and two additions for each. */
export class HotSeries {
  /** Upper bounds, ascending. */
  readonly #bounds: readonly number[];
  /** One more than there are bounds: the last one counts what is beyond them. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += value;
  }
}

/**
 * A histogram of what happens with each request. `observe` of prom-client makes a text of the labels each
 * time; here the caller keeps the series, and the cumulative counts are made when the page is.
 */
export class HotHistogram<Label extends string> extends Histogram<Label> {
  readonly #bounds: readonly number[];
  readonly #hot = new Map<string, { readonly labels: Labels<Label>; readonly series: HotSeries }>();
  readonly #facts: { readonly name: string; readonly help: string };

  constructor(configuration: HistogramConfiguration<Label> & { readonly buckets: number[] }) {
    super(configuration);
    const { name, help, buckets } = configuration;
    this.#facts = { name, help };
    this.#bounds = buckets;
  }

  /** The same one for the same labels; it is on the page from now on. */
  series(labels: Labels<Label>): HotSeries {
    const key = JSON.stringify(labels);
    const known = this.#hot.get(key);
    if (known !== undefined) return known.series;
    const series = new HotSeries(this.#bounds);
    this.#hot.set(key, { labels, series });
    return series;
  }

  /** prom-client calls this one for a page of text, and `get` for one as JSON. */
  getForPromString(): ReturnType<Histogram<Label>["get"]> {
    return this.get();
  }

  override async get(): ReturnType<Histogram<Label>["get"]> {
    const { name, help } = this.#facts;
    const values: object[] = [];
    for (const { labels, series } of this.#hot.values()) {
      let count = 0;
      for (const [at, bound] of [...this.#bounds, "+Inf"].entries()) {
        count += series.counts[at] as number;
        values.push({ metricName: `${name}_bucket`, labels: { le: bound, ...labels }, value: count });
      }
      values.push({ metricName: `${name}_sum`, labels: { ...labels }, value: series.sum });
      values.push({ metricName: `${name}_count`, labels: { ...labels }, value: count });
    }
    const told = { name, help, type: "histogram", values, aggregator: "sum" };
    // prom-client's types ask for more than it makes itself.
    return told as unknown as Awaited<ReturnType<Histogram<Label>["get"]>>;
  }
}
