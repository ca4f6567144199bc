import type { Command } from "../command.ts";

export const login: Command = {
  name: "login",
  summary: "log in as an operator through the identity provider, with a code in a browser",
  takesCampaign: false,
  options: [
    { flags: "--issuer <url>", about: "the identity provider (env COUPON_OIDC_ISSUER)" },
    {
      flags: "--client-id <id>",
      about: "this command, as the provider knows it (env COUPON_OIDC_CLIENT_ID)",
    },
    {
      flags: "--scope <text>",
      about: 'what is asked for (env COUPON_OIDC_SCOPE, default "openid offline_access")',
    },
    {
      flags: "--audience <text>",
      about:
        "the service, as OPERATOR_OIDC_AUDIENCE names it, where the provider must be told (env COUPON_OIDC_AUDIENCE)",
    },
  ],
  examples: [
    "coupon login --issuer https://id.example.com/realms/shop --client-id coupon-cli",
    "coupon login --profile production",
  ],
  notes: `Shows an address and a code; open the address in a browser on any machine and enter the code there; enter none that you have not asked for. The access token goes to the
service at --url and nowhere else, and is renewed while the provider allows it. A token of --token, COUPON_TOKEN or a profile takes
precedence. The tokens are in a file that only you can read, in logins/ beside the config file. A later login to the same service needs
no flags; a profile may have them, too:

  "production": {
    "url": "https://coupons.example.com",
    "login": { "issuer": "https://id.example.com/realms/shop", "clientId": "coupon-cli", "audience": "coupons" }
  }`,
};
