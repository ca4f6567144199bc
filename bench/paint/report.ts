import { median } from "../rates/compare.ts";
import type { Figures } from "./figures.ts";
import type { Judged, Profile } from "./profiles.ts";

export type Row = { readonly name: string; readonly figures: Figures; readonly good: Profile["good"] };

/** Figure by figure the median of the visits. */
export function medianOf(visits: readonly Figures[]): Figures {
  const of = (name: keyof Figures): number => median(visits.map((figures) => figures[name]));
  return {
    firstPaintMs: of("firstPaintMs"),
    firstContentfulPaintMs: of("firstContentfulPaintMs"),
    largestContentfulPaintMs: of("largestContentfulPaintMs"),
    layoutShift: of("layoutShift"),
    blockingMs: of("blockingMs"),
    bytes: of("bytes"),
    requests: of("requests"),
  };
}

const WORDS: Readonly<Record<Judged, string>> = {
  firstContentfulPaintMs: "first contentful paint",
  largestContentfulPaintMs: "largest contentful paint",
  layoutShift: "layout shift",
  blockingMs: "total blocking time",
};

/** What is worse than good. A figure that the browser did not tell is, too. */
export function faultsOf({ name, figures, good }: Row): string[] {
  return (Object.keys(WORDS) as Judged[])
    .filter((figure) => !(figures[figure] <= good[figure]))
    .map((figure) => `${name}: ${WORDS[figure]} ${told(figures, figure)}, good is at most ${good[figure]}`);
}

const HEAD = [
  ...["page, device, cache", "first paint", "first contentful", "largest contentful"],
  ...["layout shift", "blocking", "bytes", "requests"],
];

/** As Markdown, which the documentation takes as it is. */
export function tableOf(rows: readonly Row[]): string[] {
  const cells = rows.map(({ name, figures }) => [
    name,
    ...(Object.keys(figures) as (keyof Figures)[]).map((figure) => told(figures, figure)),
  ]);
  return [HEAD, HEAD.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`);
}

function told(figures: Figures, figure: keyof Figures): string {
  const value = figures[figure];
  if (figure === "layoutShift") return value.toFixed(3).replace(/^0\.000$/, "0");
  if (figure === "bytes") return `${(value / 1_000).toFixed(1)} kB`;
  if (figure === "requests") return String(value);
  return `${Math.round(value).toLocaleString("en")} ms`;
}
