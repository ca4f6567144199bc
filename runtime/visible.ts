/** Characters that only join or colour an emoji and are a part of it. */
const ofEmoji =
  /(?<=\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d(?=\p{Extended_Pictographic})|(?<=\p{Extended_Pictographic})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)/u;
const hidden = new RegExp(
  String.raw`(?!${ofEmoji.source})[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]`,
  "gu",
);

/**
 * The text with all characters that control a terminal or are not visible escaped as in JSON: controls,
 * direction overrides, characters without width, fillers, tags. `coupon` has the same rule (cli/render.ts)
 * and does not import this one.
 */
export function visible(text: string): string {
  return text.replace(hidden, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
