import { cellsOf, fitted } from "./console/cells.ts";

/** A column of a table. */
export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  readonly side?: "left" | "right";
  /** The fewest cells to which it may be clipped; undefined: it is never clipped. */
  readonly cellsMin?: number;
  /** Colours the cell after it was measured. */
  readonly paint?: (row: Row, text: string) => string;
}

const gap = "  ";

/**
 * A heading and a line for each row, none wider than `columns`. The layouts list the columns, the widest
 * layout first: the first one that has room is used, and its columns that may be clipped share the remaining
 * cells. The last layout is used in any case.
 */
export function tableLines<Row>(
  layouts: readonly (readonly Column<Row>[])[],
  rows: readonly Row[],
  columns: number,
): string[] {
  const layout = layouts.find((candidate) => leastCells(candidate, rows) <= columns) ?? layouts.at(-1) ?? [];
  const widths = widthsOf(layout, rows, columns);
  const line = (texts: readonly string[], paint: (at: number, text: string) => string): string =>
    texts.map((text, at) => paint(at, fitted(text, widths[at] ?? 0, layout[at]?.side))).join(gap);
  const heading = line(
    layout.map((column) => column.heading),
    (_at, text) => text,
  );
  const lines = rows.map((row) =>
    line(
      layout.map((column) => column.cell(row)),
      (at, text) => layout[at]?.paint?.(row, text) ?? text,
    ),
  );
  return [heading, ...lines].map((text) => text.trimEnd());
}

/** Whether a layout has room for these rows without clipping more than its columns allow. */
export function hasRoom<Row>(layout: readonly Column<Row>[], rows: readonly Row[], columns: number): boolean {
  return leastCells(layout, rows) <= columns;
}

function naturalCells<Row>({ heading, cell }: Column<Row>, rows: readonly Row[]): number {
  return rows.reduce((most, row) => Math.max(most, cellsOf(cell(row))), cellsOf(heading));
}

function leastCells<Row>(layout: readonly Column<Row>[], rows: readonly Row[]): number {
  const cells = layout.map((column) => {
    const natural = naturalCells(column, rows);
    return Math.min(natural, column.cellsMin ?? natural);
  });
  return cells.reduce((sum, one) => sum + one, gap.length * (layout.length - 1));
}

function widthsOf<Row>(layout: readonly Column<Row>[], rows: readonly Row[], columns: number): number[] {
  const widths = layout.map((column) => naturalCells(column, rows));
  let over = widths.reduce((sum, one) => sum + one, gap.length * (layout.length - 1)) - columns;
  // The last columns are clipped first, to their `cellsMin`; where that is not enough, all columns are
  // clipped further.
  for (const least of [(at: number) => layout[at]?.cellsMin ?? widths[at] ?? 0, () => 1]) {
    for (let at = layout.length - 1; at >= 0 && over > 0; at--) {
      const given = Math.min(over, Math.max(0, (widths[at] ?? 0) - least(at)));
      widths[at] = (widths[at] ?? 0) - given;
      over -= given;
    }
  }
  return widths;
}
