/** Drawings made of characters. */

const blocks = { unicode: ["█", "░"], ascii: ["#", "."] } as const;
const sparks = { unicode: "▁▂▃▄▅▆▇█", ascii: "_.-=+*%#" } as const;

/** "████░░░░": full only at `total`, empty only at zero. */
export function bar(value: number, total: number, cells: number, unicode: boolean): string {
  const [full, empty] = unicode ? blocks.unicode : blocks.ascii;
  const share = total > 0 ? Math.min(1, Math.max(0, value / total)) : 0;
  let filled = Math.floor(share * cells);
  if (filled === 0 && share > 0 && cells > 0) filled = 1;
  return full.repeat(filled) + empty.repeat(cells - filled);
}

/**
 * The last values, one a cell, relative to the highest of those shown; zero is a blank, not the lowest step.
 */
export function sparkline(values: readonly number[], cells: number, unicode: boolean): string {
  return chart(values, cells, 1, unicode)[0] ?? "";
}

/**
 * A sparkline over several rows, the top one first: each exactly `cells` wide, the last value at the right
 * edge.
 */
export function chart(values: readonly number[], cells: number, rows: number, unicode: boolean): string[] {
  const steps = unicode ? sparks.unicode : sparks.ascii;
  const shown = lastOf(values, cells);
  const most = Math.max(0, ...shown);
  // The height of each value in steps; a value above zero has at least one.
  const heights = shown.map((value) =>
    value <= 0 || most <= 0 ? 0 : Math.ceil((value / most) * rows * steps.length),
  );
  return Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * steps.length;
    const line = heights.map((height) =>
      height <= below ? " " : steps.charAt(Math.min(steps.length, height - below) - 1),
    );
    return line.join("").padStart(cells);
  });
}

/** The highest of the values that a drawing of `cells` shows. */
export function highestShown(values: readonly number[], cells: number): number {
  return Math.max(0, ...lastOf(values, cells));
}

function lastOf(values: readonly number[], cells: number): readonly number[] {
  return values.slice(Math.max(0, values.length - cells));
}
