import { useWords } from "../i18n/language.tsx";
import type { MethodName } from "./api.ts";
import { useSession } from "./session.tsx";
import { useStore } from "./store.ts";

/** Why the role of the credential does not cover a method; undefined: as far as is known it does. */
export function useWhyDenied(): (method: MethodName) => string | undefined {
  const { denied, self } = useSession();
  const { t } = useWords();
  const methods = useStore(denied);
  const role = useStore(self)?.role;
  return (method) => {
    if (!methods.has(method)) return undefined;
    return role === undefined ? t("failure.denied") : t("failure.deniedRole", { role });
  };
}
