import { OPERATOR_ROLES } from "../../runtime/operator-settings.ts";
import type { Command } from "../command.ts";

export const keys: Command = {
  name: "keys",
  summary: "make a key for an operator with its line of OPERATOR_KEYS, or the key that signs certificates",
  takesCampaign: false,
  argument: {
    name: "verb",
    about: "a new key, the line for a key on standard input, or a new CERTIFICATE_KEY",
    choices: ["create", "hash", "certificate"],
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
    {
      flags: "--out <file>",
      about: "with certificate: the new file for the private key, which nobody else may read",
      offers: "files",
    },
  ],
  examples: [
    "coupon keys create --name kim --role operator",
    "coupon keys create --name ci-deploy --role viewer --json | jq -r .line >> operator-keys.txt",
    "coupon keys hash --name kim --role admin < key.txt",
    "coupon keys certificate --out certificate-key.pem",
  ],
  notes: `The key is shown this once: give it to the operator (COUPON_TOKEN), and the line to the service (OPERATOR_KEYS, or a file that
OPERATOR_KEYS_FILE names). The line holds the SHA-256 of the key, from which nobody finds the key. Several keys are valid at once,
with commas, blanks or line ends between the lines; a name may have two, while one replaces the other. This command asks no service.
certificate makes an Ed25519 key: name its file in CERTIFICATE_KEY_FILE, the same on all servers, keep it as long as certificates are
to be believed, and publish the public key that is shown.`,
};
