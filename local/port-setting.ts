import { settingOf } from "../runtime/setting.ts";
import { UserError } from "../runtime/user-error.ts";

const PORT_MAX = 65_535;

/** A port from the environment; 0 when it is not set: any free one. @throws UserError naming the variable */
export function portFrom(env: Readonly<Record<string, string | undefined>>, name: string): number {
  const text = settingOf(env, name) ?? "0";
  if (!/^\d{1,5}$/.test(text) || Number(text) > PORT_MAX) {
    throw new UserError(
      `configuration: ${name} must be a port number (0 to ${PORT_MAX}), not ${JSON.stringify(text.slice(0, 60))}`,
    );
  }
  return Number(text);
}
