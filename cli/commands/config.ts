import { counted } from "../../runtime/counting.ts";
import type { Action } from "../command.ts";
import { factLines, printable } from "../render.ts";
import type { LocalSession } from "../session.ts";
import type { Settings } from "../settings.ts";

export const action: Action<LocalSession> = {
  async run(session, _input) {
    const { output, settings } = session;
    const shown = shownSettings(settings);
    const { path, exists, profiles } = settings.configFile;
    if (output.json) {
      const file = { path, exists, profiles: [...profiles.keys()] };
      await output.write(`${JSON.stringify({ ...Object.fromEntries(shown), configFile: file })}\n`);
      return;
    }
    const facts = shown.map(([name, { value, from }]): [string, string] => [
      name,
      `${value === null ? "(none)" : printable(String(value))}  from ${printable(from)}`,
    ]);
    const names = profiles.size === 0 ? "" : `, profiles: ${[...profiles.keys()].map(printable).join(", ")}`;
    facts.push(["config file", `${printable(path)}${exists ? names : " (not there)"}`]);
    await output.write(factLines(facts));
  },
};

interface Shown {
  readonly value: string | number | null;
  readonly from: string;
}

function shownSettings(settings: Settings): [name: string, shown: Shown][] {
  const { origins, token, login, zone } = settings;
  // The length shows whether a token was cut when it was pasted; none of its characters is shown.
  const given = token === undefined ? null : `(set, ${counted(token.length, "character")})`;
  const hidden = given ?? (login.freshToken === undefined ? null : "(the access token of a login)");
  return [
    ["profile", { value: settings.profile ?? null, from: origins.profile }],
    ["url", { value: settings.url, from: origins.url }],
    ["token", { value: hidden, from: origins.token }],
    ["timeout", { value: settings.timeoutMs, from: origins.timeout }],
    ["retries", { value: settings.retries ?? "5, streams 20", from: origins.retries }],
    ["actor", { value: settings.actor, from: origins.actor }],
    ["zone", { value: zone, from: origins.zone }],
  ];
}
