/** A text with {placeholders}; or one for each plural category, chosen by the argument `count`. */
export type Entry = string | { readonly one: string; readonly other: string };

/** A dictionary with the keys of another, in any language. */
export type SameKeys<D> = { readonly [K in keyof D]: Entry };
