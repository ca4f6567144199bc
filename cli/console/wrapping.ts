import { cellsOf } from "./cells.ts";
import { drawnSpans, type Look, painted, type Span, span } from "./spans.ts";

/** With fewer cells beside the lead than this, the text is clipped to one line. */
const wrapCellsMin = 20;

/**
 * The spans beside and below `lead`, broken between words, over at most `most` lines; the rest is clipped.
 */
export function wrapped(lead: Span, spans: readonly Span[], most: number, look: Look): string[] {
  const indent = cellsOf(lead.text);
  const room = look.width - indent;
  if (most <= 1 || room < wrapCellsMin) return [painted([lead, ...spans], look)];
  const rows: Span[][] = [[]];
  let used = 0;
  for (const { text, style } of drawnSpans(spans, look)) {
    for (const word of text.split(/(?= )/)) {
      const breaks = used > 0 && used + cellsOf(word) > room && rows.length < most;
      if (breaks) rows.push([]);
      const shown = breaks ? word.trimStart() : word;
      used = (breaks ? 0 : used) + cellsOf(shown);
      rows.at(-1)?.push(span(shown, style));
    }
  }
  return rows.map((row, i) => painted([i === 0 ? lead : span(" ".repeat(indent)), ...row], look));
}

/**
 * The items one below the other: each has a line, and the first ones wrap into the remaining lines of `room`.
 */
export function wrappedAll(
  items: readonly { readonly lead: Span; readonly spans: readonly Span[] }[],
  room: number,
  look: Look,
): string[] {
  let spare = Math.max(0, room - items.length);
  return items.flatMap(({ lead, spans }) => {
    const lines = wrapped(lead, spans, 1 + spare, look);
    spare -= lines.length - 1;
    return lines;
  });
}
