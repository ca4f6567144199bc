import type { Action } from "../command.ts";
import type { LocalSession } from "../session.ts";
import { isShell, shellScripts, shells } from "../shell-scripts.ts";
import { UserError } from "../user-error.ts";

export const action: Action<LocalSession> = {
  async run(session, input) {
    const { argument } = input;
    if (!isShell(argument)) {
      throw new UserError(`"${argument}" is not a shell this can write for`, {
        hint: `give ${shells.join(", ")}`,
      });
    }
    const { output } = session;
    const script = shellScripts[argument];
    await output.writeData(output.json ? `${JSON.stringify({ shell: argument, script })}\n` : script);
  },
};
