/** Of all texts of a chart. */
export const FONT_PX = 12;

/** Measures texts in the font of a chart: the width of the widest of them, in CSS pixels; 0 for none. */
export function createWidest(font: string): (texts: readonly string[]) => number {
  const context = document.createElement("canvas").getContext("2d");
  return (texts) => {
    if (context === null) return 0;
    context.font = font;
    return Math.max(0, ...texts.map((text) => context.measureText(text).width));
  };
}
