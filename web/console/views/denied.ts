import { Code, ConnectError } from "@connectrpc/connect";
import type { MethodName } from "../session/api.ts";
import { useWhyDenied } from "../session/denied.ts";
import { useSession } from "../session/session.tsx";

/** Whether the role of the credential covers a method. */
export function useDenied(method: MethodName) {
  const { denied } = useSession();
  const because = useWhyDenied()(method);
  return {
    /** Why the method cannot be called; undefined: as far as is known it can. */
    because,
    /** Remembers a refusal for the rest of the session. */
    note(error: unknown): void {
      if (error instanceof ConnectError && error.code === Code.PermissionDenied)
        denied.set(new Set([...denied.get(), method]));
    },
  };
}
