import {
  type OperatorKeySetting,
  type OperatorRole,
  operatorKeyLine,
} from "../../runtime/operator-settings.ts";

/** A key as it is configured. */
export function keySetting(name: string, role: OperatorRole, key: string): OperatorKeySetting {
  return { name, role, sha256: operatorKeyLine(name, role, key).split(":")[2] ?? "" };
}
