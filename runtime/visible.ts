/** What only joins or colours an emoji, and is a part of it. */
const ofEmoji =
  /(?<=\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d(?=\p{Extended_Pictographic})|(?<=\p{Extended_Pictographic})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)/u;
const hidden = new RegExp(
  String.raw`(?!${ofEmoji.source})[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]`,
  "gu",
);

/**
 * The text with all that a terminal would obey or not show escaped as JSON does: controls, direction
 * overrides, characters without width, fillers, tags. `coupon` has the same rule (cli/render.ts), and no
 * import from here.
 */
export function visible(text: string): string {
  return text.replace(hidden, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
