import type { Command } from "../command.ts";
import { isShell, shellScripts, shells } from "../shell-scripts.ts";
import { UserError } from "../user-error.ts";

export const completion: Command = {
  name: "completion",
  summary: "write what your shell needs to complete verbs, flags, values and campaign ids",
  takesCampaign: false,
  argument: { name: "bash|zsh|fish", about: "your shell", choices: shells },
  options: [],
  examples: [
    'eval "$(coupon completion bash)"                                        # bash, this session',
    "coupon completion bash > ~/.local/share/bash-completion/completions/coupon   # bash, for good",
    'coupon completion zsh > "$fpath[1]/_coupon"                             # zsh, for good; then a new shell',
    "coupon completion fish > ~/.config/fish/completions/coupon.fish              # fish, for good",
  ],
  notes: `coupon must be on the PATH: in a clone, npm link puts it there. Campaign ids are asked of the service in effect, for at most a
second; without an answer none are offered. Where bash-completion is not installed, put the first line into ~/.bashrc.`,

  async run(session, input) {
    const { argument } = input;
    if (!isShell(argument)) {
      throw new UserError(`"${argument}" is not a shell this can write for`, {
        hint: `give ${shells.join(", ")}`,
      });
    }
    const { output } = session;
    const script = shellScripts[argument];
    await output.write(output.json ? `${JSON.stringify({ shell: argument, script })}\n` : script);
  },
};
