/**
 * The campaign that the page's address names, as in `/launch/01K7…`; undefined: none. A messenger may take
 * the end of a sentence for a part of the link.
 */
export function campaignIn(path: string): string | undefined {
  return /\/launch\/([0-9A-Za-z]{1,64})[.,;:!)]*\/?$/.exec(path)?.[1]?.toUpperCase();
}

/**
 * Takes the token out of the address (`#token=…`) and clears it there, so that neither a bookmark nor a
 * screenshot has it. A browser sends no server what follows `#`.
 */
export function takeToken(
  location: Pick<Location, "hash" | "pathname" | "search">,
  history: Pick<History, "replaceState" | "state">,
): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return undefined;
  history.replaceState(history.state, "", location.pathname + location.search);
  return token === "" ? undefined : token;
}
