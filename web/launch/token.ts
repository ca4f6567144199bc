/**
 * The user that a token (JWT) names: RFC 7519, section 4.1.2. It only tells apart the users of one browser;
 * the service alone verifies tokens. "": the text is no such token.
 */
export function userOf(token: string): string {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    const { sub }: { sub?: unknown } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === "string" ? sub : "";
  } catch {
    return "";
  }
}

const PREFIX = "coupon-launch:token:";

/** The token of this tab for a campaign: it survives a reload, and goes with the tab. */
export type TokenOfTab = {
  get(): string | undefined;
  set(token: string | undefined): void;
};

/** Where storage is forbidden, the token lives as long as the page. */
export function createTokenOfTab(campaignId: string, storage: () => Storage): TokenOfTab {
  const name = PREFIX + campaignId;
  let token: string | undefined;
  try {
    token = storage().getItem(name) ?? undefined;
  } catch {
    // Forbidden.
  }
  return {
    get: () => token,
    set(given) {
      token = given;
      try {
        if (given === undefined) storage().removeItem(name);
        else storage().setItem(name, given);
      } catch {
        // As above.
      }
    },
  };
}
