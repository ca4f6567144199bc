import type { Session } from "./session.ts";
import { wholeNumber } from "./settings.ts";
import { UserError } from "./user-error.ts";

export interface OptionSpec {
  /** As in help: "--total <n>". */
  readonly flags: string;
  readonly about: string;
}

/** A verb as data: what it takes, how it is explained, and what it does. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** True: the first argument is a campaign id. */
  readonly takesCampaign: boolean;
  readonly options: readonly OptionSpec[];
  readonly examples: readonly string[];
  readonly notes?: string;
  run(session: Session, input: Input): Promise<void>;
}

/** The arguments of one call of a verb, read by name and checked where they are read. */
export class Input {
  readonly #campaignId: string;
  readonly #options: ReadonlyMap<string, unknown>;

  constructor(campaignId: string, options: Readonly<Record<string, unknown>>) {
    this.#campaignId = campaignId;
    this.#options = new Map(Object.entries(options));
  }

  get campaignId(): string {
    if (this.#campaignId.trim() === "") {
      throw new UserError("the campaign id is empty", { hint: "coupon list shows the campaigns" });
    }
    return this.#campaignId.trim();
  }

  /** "--request-id" → the text given, or undefined. An empty text is a mistake, most often an unset shell variable. */
  text(option: string): string | undefined {
    const value = this.#options.get(camelCase(option));
    if (value === "") throw new UserError(`${option} is empty`, { hint: "leave it out or give a value" });
    return typeof value === "string" ? value : undefined;
  }

  requiredText(option: string): string {
    const value = this.text(option);
    if (value === undefined) throw new UserError(`${option} is missing`, { hint: "--help shows an example" });
    return value;
  }

  /** True or false where the flag or its --no- form was given, else undefined. */
  flag(option: string): boolean | undefined {
    const value = this.#options.get(camelCase(option));
    return typeof value === "boolean" ? value : undefined;
  }

  wholeNumber(option: string, min: number, max: number): number | undefined {
    return wholeNumber(option, this.text(option), min, max);
  }
}

function camelCase(option: string): string {
  return option.replace(/^--/, "").replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
