import type uPlot from "uplot";
import { FONT_PX } from "./text-width.ts";

/** A line at an instant, with its name. */
export type PlotMark = { readonly x: number; readonly text: string };

/** Where the name of a mark is: the first row is above the lines. */
export type PlacedName = { readonly left: number; readonly row: number };

type NamedMark = { readonly at: number; readonly width: number };

/** The height of a row of names. */
export const MARK_ROW_PX = FONT_PX + 6;
const BESIDE_PX = 4;

/**
 * Each name is beside its line, on the right where there is room before `edge`, and in the first row in which
 * it lies over no earlier name. `beside`: between a line and its name.
 */
export function placeNames(marks: readonly NamedMark[], edge: number, beside: number): PlacedName[] {
  const placed: (PlacedName & { readonly right: number })[] = [];
  for (const { at, width } of marks) {
    const fits = at + beside + width <= edge;
    const left = Math.max(0, fits ? at + beside : at - beside - width);
    const right = left + width;
    const isFree = (row: number) =>
      placed.every(
        (other) => other.row !== row || left >= other.right + beside || right + beside <= other.left,
      );
    let row = 0;
    while (!isFree(row)) row += 1;
    placed.push({ left, right, row });
  }
  return placed;
}

export function drawMarks(
  { ctx, bbox, valToPos }: uPlot,
  marks: readonly PlotMark[],
  stroke: string,
  fontFamily: string,
): void {
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.fillStyle = stroke;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.font = `${FONT_PX * devicePixelRatio}px ${fontFamily}`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  const right = bbox.left + bbox.width;
  const shown = marks
    .map(({ x, text }) => ({
      at: Math.round(valToPos(x, "x", true)),
      text,
      width: ctx.measureText(text).width,
    }))
    .filter(({ at }) => at >= bbox.left && at <= right);
  const names = placeNames(shown, ctx.canvas.width, BESIDE_PX * devicePixelRatio);
  shown.forEach(({ at, text }, i) => {
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    const { left, row } = names[i] ?? { left: at, row: 0 };
    ctx.fillText(text, left, bbox.top + ((row - 1) * MARK_ROW_PX + 3) * devicePixelRatio);
  });
  ctx.restore();
}
