/** Decides which signs a terminal can show. */

/** As in the C library: the first of these that is set counts. None set: UTF-8, as terminals have today. */
export function takesUtf8(env: NodeJS.ProcessEnv): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return locale === "" || /utf-?8/i.test(locale);
}

/**
 * The replacements for signs in texts of this program or the service, for a terminal that shows only ASCII.
 * Names and codes stay as they are.
 */
const inAscii: Readonly<Record<string, string>> = {
  ...{ "→": "->", "←": "<-", "…": "~", "±": "+-", "−": "-", "×": "x", "·": ".", "–": "-", "—": "-" },
  ...{ "≤": "<=", "≥": ">=", "“": '"', "”": '"', "‘": "'", "’": "'" },
  ...{ "█": "#", "░": ".", "▁": "_", "▂": ".", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "%" },
};
const signs = new RegExp(`[${Object.keys(inAscii).join("")}]`, "g");

/** The text as the terminal can show it. */
export function drawnFor(unicode: boolean, text: string): string {
  return unicode ? text : text.replace(signs, (sign) => inAscii[sign] ?? sign);
}
