import type { Words } from "../i18n/words.ts";

/** The rule of a campaign about its users, in words. An earlier version says `onePerUser` alone. */
export function perUserText(
  { onePerUser, maxPerUser }: { readonly onePerUser: boolean; readonly maxPerUser: number },
  { t }: Pick<Words, "t">,
): string {
  if (onePerUser) return t("create.perUserOne");
  return maxPerUser > 1 ? t("create.perUserMost", { count: maxPerUser }) : t("create.perUserMany");
}
