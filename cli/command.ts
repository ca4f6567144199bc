import type { LocalSession, Session } from "./session.ts";
import { wholeNumber } from "./settings.ts";
import { UserError } from "./user-error.ts";

export interface OptionSpec {
  /**
   * As in help: "--total <n>". Shell completion takes the choices from "--format <csv|jsonl>".
   */
  readonly flags: string;
  readonly about: string;
  /** More choices for shell completion: these texts, or the files of the folder. */
  readonly offers?: readonly string[] | "files";
  /** True: an older spelling that still works and is not shown. */
  readonly hidden?: boolean;
  /** True: it may be given several times. */
  readonly repeats?: boolean;
}

/** An argument of a verb that is no campaign: "coupon completion <bash|zsh|fish>". */
export interface ArgumentSpec {
  readonly name: string;
  readonly about: string;
  readonly choices: readonly string[];
  /** An argument after it, which may be left out. */
  readonly second?: { readonly name: string; readonly about: string };
}

/** A verb as data: its arguments and its help. Its behaviour is its `Action`. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** True: the first argument is a campaign id; "optional": it may be left out. */
  readonly takesCampaign: boolean | "optional";
  /** The first argument where it is not a campaign id. */
  readonly argument?: ArgumentSpec;
  readonly options: readonly OptionSpec[];
  readonly examples: readonly string[];
  readonly notes?: string;
}

/** The behaviour of a verb. */
export interface Action<S extends LocalSession = Session> {
  run(session: S, input: Input): Promise<void>;
}

/** The arguments of one call of a verb, read by name and checked where they are read. */
export class Input {
  readonly #argument: string | undefined;
  readonly #second: string | undefined;
  readonly #options: ReadonlyMap<string, unknown>;

  constructor(argument: string | undefined, options: Readonly<Record<string, unknown>>, second?: string) {
    this.#argument = argument;
    this.#second = second;
    this.#options = new Map(Object.entries(options));
  }

  get campaignId(): string {
    const campaignId = this.optionalCampaignId;
    if (campaignId === undefined) throw new Error("this verb asks for a campaign id that it may not have");
    return campaignId;
  }

  /** undefined: no id was given. An empty one is a mistake, most often an unset shell variable. */
  get optionalCampaignId(): string | undefined {
    if (this.#argument?.trim() === "") {
      throw new UserError("the campaign id is empty", { hint: "coupon list shows the campaigns" });
    }
    return this.#argument?.trim();
  }

  /** The same input with the full id in place of the given one. */
  withCampaignId(campaignId: string): Input {
    return new Input(campaignId, Object.fromEntries(this.#options));
  }

  /** For messages: the campaign id as given, right or wrong; undefined: the verb takes none. */
  givenCampaignId(command: Command): string | undefined {
    return command.takesCampaign === false ? undefined : this.#argument?.trim();
  }

  /** The first argument of a verb that takes no campaign. */
  get argument(): string | undefined {
    return this.#argument;
  }

  /** The argument after it; undefined: none was given. */
  get second(): string | undefined {
    return this.#second;
  }

  /**
   * "--request-id" → the text given, or undefined. An empty text is a mistake, most often an unset shell
   * variable.
   */
  text(option: string): string | undefined {
    const value = this.#options.get(camelCase(option));
    if (value === "") throw new UserError(`${option} is empty`, { hint: "leave it out or give a value" });
    return typeof value === "string" ? value : undefined;
  }

  /** The texts of an option that may be given several times, in that order. */
  texts(option: string): readonly string[] {
    const value = this.#options.get(camelCase(option));
    return Array.isArray(value) ? value.map(String) : [];
  }

  requiredText(option: string): string {
    if (this.#options.get(camelCase(option)) === "") {
      throw new UserError(`${option} is empty`, {
        hint: "give a value; a shell variable in it may be unset",
      });
    }
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
