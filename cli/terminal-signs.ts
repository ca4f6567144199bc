/** The one place that knows which signs a terminal takes. */

/** As the C library decides it: the first of these that is set counts. Nothing set: terminals of today. */
export function takesUtf8(env: NodeJS.ProcessEnv): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return locale === "" || /utf-?8/i.test(locale);
}

/**
 * What stands for a sign that this program or the service draws with, where a terminal takes ASCII alone.
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
