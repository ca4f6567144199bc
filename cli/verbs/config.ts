import type { Command } from "../command.ts";

export const config: Command = {
  name: "config",
  summary: "show the settings in effect and where each comes from",
  takesCampaign: false,
  options: [],
  examples: [
    "coupon config",
    "coupon config --profile production",
    "COUPON_URL=http://127.0.0.1:8081 coupon config --json | jq -r .url.value",
  ],
  notes: `A flag wins over the environment, the environment over the config file, the file over the default. The file is
$COUPON_CONFIG, else $XDG_CONFIG_HOME/coupon/config.json, else ~/.config/coupon/config.json:

  {
    "profile": "local",
    "profiles": {
      "local": { "url": "http://127.0.0.1:8080" },
      "production": { "url": "https://coupons.example.com", "token": "…", "timeout": 20000, "retries": 10 }
    }
  }

"profile" names the one that is used unless --profile or COUPON_PROFILE names another. A token in the file is sent to the url
beside it and nowhere else; keep the file to yourself (chmod 600), or name with "tokenFile" a file that holds the token alone,
from the folder of the config file on, or from ~/. Without a token, that of coupon login is sent; without that, and for a url on this machine, the key is used
that a service without operators' settings leaves for its user in $XDG_STATE_HOME/coupon, else ~/.local/state/coupon. This
command shows no token and asks no service.`,
};
