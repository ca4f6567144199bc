import { z } from "zod";

/** The kinds of values that settings have, each with the error that states what is allowed. */

/** A whole number, written in digits; the error for any other text states what is allowed. */
export function whole(least: number, most: number, unit: string) {
  const error = `must be a whole number${unit}, ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, error)
    .transform(Number)
    .refine((value) => value >= least && value <= most, error);
}

const PORT_ERROR = "must be a whole number (a port, or off), 0 to 65535";
/** `off`: no port. */
export const portOrOff = z
  .string()
  .regex(/^(off|\d{1,5})$/, PORT_ERROR)
  .transform((text) => (text === "off" ? text : Number(text)))
  .refine((value) => value === "off" || value <= 65_535, PORT_ERROR);
export const milliseconds = (least: number, most: number) => whole(least, most, " of milliseconds");
export const count = (least: number, most: number) => whole(least, most, "");

/** A number, or `off`. */
export function countOrOff(least: number, most: number) {
  const error = `must be a whole number (or off), ${least} to ${most}`;
  return z.union([z.literal("off"), whole(least, most, " (or off)")], { error });
}

export const oneOf = <const W extends readonly string[]>(words: W) =>
  z.enum(words, `must be one of ${words.join(", ")}`);

/** A text for which `troubleOf` returns undefined; else what it returns is the error. */
export const checked = (troubleOf: (text: string) => string | undefined) =>
  z.string().superRefine((text, context) => {
    const message = troubleOf(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
