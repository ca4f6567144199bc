import * as z from "zod/mini";

/** The settings of a profile; each may be absent. */
export interface Profile {
  readonly url?: string;
  readonly token?: string;
  /** The file that holds the token, instead of it. */
  readonly tokenFile?: string;
  /** Milliseconds, as --timeout. */
  readonly timeout?: number;
  readonly retries?: number;
  /** For coupon login. */
  readonly login?: ProfileLogin;
}

/** How this command is known to the identity provider of the service; each may be absent. */
export interface ProfileLogin {
  readonly issuer?: string;
  readonly clientId?: string;
  readonly scope?: string;
  readonly audience?: string;
}

export interface Config {
  /** The default profile. */
  readonly profile?: string;
  readonly profiles: ReadonlyMap<string, Profile>;
}

/** A mistake in the file, with a hint of what is allowed. Never contains a value: it may be a token. */
export class ConfigMistake extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

const text = z.string().check(z.minLength(1));

const loginSchema = z.strictObject({
  issuer: z.exactOptional(text),
  clientId: z.exactOptional(text),
  scope: z.exactOptional(text),
  audience: z.exactOptional(text),
});

const profileSchema = z.strictObject({
  url: z.exactOptional(text),
  token: z.exactOptional(text),
  tokenFile: z.exactOptional(text),
  timeout: z.exactOptional(z.number()),
  retries: z.exactOptional(z.number()),
  login: z.exactOptional(loginSchema),
});

const fileSchema = z.strictObject({
  profile: z.exactOptional(z.string()),
  profiles: z.exactOptional(z.record(z.string(), profileSchema)),
});

/** Hints by field. Ranges and forms of values are checked in cli/settings.ts, for all origins. */
const allowed: Readonly<Record<string, string>> = {
  profile: "give the name of one of the profiles, in quotes",
  profiles: 'give an object, as in "profiles": { "local": { "url": "http://127.0.0.1:8080" } }',
  url: 'give an http or https URL in quotes, such as "http://127.0.0.1:8080"',
  token: "give the operator token of that service, in quotes",
  tokenFile: "give the path of the file that holds the operator token, in quotes",
  timeout: "give milliseconds in digits, without quotes, such as 10000",
  retries: "give a whole number in digits, without quotes, such as 5",
  login: 'give an object, as in "login": { "issuer": "https://id.example.com", "clientId": "coupon-cli" }',
};

const typeNames: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
};

/**
 * @throws ConfigMistake where the file holds anything that is not allowed: a misspelt setting must not be
 * ignored
 */
export function configOf(value: unknown): Config {
  const parsed = z.safeParse(fileSchema, value);
  if (!parsed.success) throw mistakeOf(parsed.error.issues[0]);
  const { profile, profiles = {} } = parsed.data;
  for (const [name, { token, tokenFile, url }] of Object.entries(profiles)) {
    if (token !== undefined && tokenFile !== undefined) {
      throw new ConfigMistake(`profile "${name}" has both token and tokenFile`, "give one of them");
    }
    if ((token ?? tokenFile) !== undefined && url === undefined) {
      throw new ConfigMistake(
        `profile "${name}" has a token and no url`,
        "say with url which service the token is for",
      );
    }
  }
  return { ...(profile === undefined ? {} : { profile }), profiles: new Map(Object.entries(profiles)) };
}

function mistakeOf(issue: z.core.$ZodIssue | undefined): ConfigMistake {
  const path = issue?.path.map(String) ?? [];
  const place = placeOf(path);
  if (issue?.code === "unrecognized_keys") {
    const schema = path.length === 0 ? fileSchema : path.length === 3 ? loginSchema : profileSchema;
    return new ConfigMistake(
      `${place} has "${issue.keys[0]}"`,
      `it may have ${Object.keys(schema.shape).join(", ")}`,
    );
  }
  const wanted = issue?.code === "invalid_type" ? (typeNames[issue.expected] ?? "an object") : "a text";
  const field = path.length === 2 ? "profiles" : (path.at(-1) ?? "");
  return new ConfigMistake(`${place} is not ${wanted}`, allowed[field]);
}

/** "the file", "profiles", 'profile "local"', '"url" of profile "local"', '"issuer" of "login" of …'. */
function placeOf([first, name, field, part]: readonly string[]): string {
  if (part !== undefined) return `"${part}" of "login" of profile "${name}"`;
  if (first === undefined) return "the file";
  if (name === undefined) return first === "profile" ? '"profile"' : first;
  return field === undefined ? `profile "${name}"` : `"${field}" of profile "${name}"`;
}
