import type { Command } from "../command.ts";
import { shells } from "../shell-scripts.ts";

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
};
