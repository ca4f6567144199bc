import { OPERATOR_ROLES } from "../../runtime/operator-settings.ts";
import type { Command } from "../command.ts";

export const keys: Command = {
  name: "keys",
  summary: "make a key for an operator, and the line of OPERATOR_KEYS that lets its holder in",
  takesCampaign: false,
  argument: {
    name: "create|hash",
    about: "a new key, or the line for a key on standard input",
    choices: ["create", "hash"],
  },
  options: [
    {
      flags: "--name <name>",
      about: "of the operator: the actor in the history of what is done with the key",
    },
    {
      flags: "--role <role>",
      about: `${OPERATOR_ROLES.join(", ")}: each has the rights of those before it`,
      offers: OPERATOR_ROLES,
    },
  ],
  examples: [
    "coupon keys create --name kim --role operator",
    "coupon keys create --name ci-deploy --role viewer --json | jq -r .line >> operator-keys.txt",
    "coupon keys hash --name kim --role admin < key.txt",
  ],
  notes: `The key is shown this once: give it to the operator (COUPON_TOKEN), and the line to the service (OPERATOR_KEYS, or a file that
OPERATOR_KEYS_FILE names). The line holds the SHA-256 of the key, from which nobody finds the key. Several keys are valid at once,
with commas, blanks or line ends between the lines; a name may have two, while one replaces the other. This command asks no service.`,
};
