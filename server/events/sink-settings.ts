import { invalid, type Valid, valid } from "../../campaign/valid.ts";
import type { EventSinks } from "../../events/sinks/event-sinks.ts";
import { newWebhookSecret } from "../../events/sinks/webhook-secrets.ts";
import type { SinkSettings } from "../../record/event-documents.ts";

/** Where a sink is, as a request gives it; undefined or empty: not given. */
export type GivenSettings = {
  readonly url: string;
  readonly secret?: string;
  readonly exchange: string;
  readonly batched?: boolean | undefined;
};

type Judge = Pick<EventSinks, "troubleOf">;

/** The settings of a new sink, and the secret that was made for it. */
export function newSettings(
  given: GivenSettings,
  judge: Judge,
): Valid<{ readonly settings: SinkSettings; readonly madeSecret: string }> {
  const { url, secret = "", exchange, batched = false } = given;
  if (url === "") return invalid("url", "must not be empty: https:// for a webhook, amqps:// for RabbitMQ");
  const foreign = foreignField(kindOf(url), given);
  if (foreign !== undefined) return foreign;
  const madeSecret = kindOf(url) === "webhook" && secret === "" ? newWebhookSecret() : "";
  const settings: SinkSettings =
    kindOf(url) === "rabbitmq"
      ? { kind: "rabbitmq", url, exchange }
      : {
          ...{ kind: "webhook", url, secrets: [{ secret: secret === "" ? madeSecret : secret }] },
          ...(batched ? { batched } : {}),
        };
  const judged = judgedSettings(settings, judge);
  return judged.ok ? valid({ settings, madeSecret }) : judged;
}

/** The settings of a sink after a change of where it is. */
export function changedSettings(old: SinkSettings, given: GivenSettings, judge: Judge): Valid<SinkSettings> {
  const { url, exchange, batched } = given;
  if (url !== "" && kindOf(url) !== old.kind)
    return invalid("url", `must be one of the same kind: the sink is a ${KIND_WORDS[old.kind]}`);
  const foreign = foreignField(old.kind, given);
  if (foreign !== undefined) return foreign;
  const at = { url: url === "" ? old.url : url };
  if (old.kind === "rabbitmq")
    return judgedSettings({ ...old, ...at, exchange: exchange === "" ? old.exchange : exchange }, judge);
  const { batched: before = false, ...rest } = old;
  return judgedSettings({ ...rest, ...at, ...((batched ?? before) ? { batched: true } : {}) }, judge);
}

const KIND_WORDS = { webhook: "webhook", rabbitmq: "RabbitMQ" } as const;

function kindOf(url: string): SinkSettings["kind"] {
  return /^amqps?:/i.test(url) ? "rabbitmq" : "webhook";
}

function foreignField(kind: SinkSettings["kind"], { secret = "", exchange, batched = false }: GivenSettings) {
  if (kind === "webhook" && exchange !== "") return invalid("exchange", "must be empty for a webhook");
  if (kind === "rabbitmq" && secret !== "") return invalid("secret", "must be empty for RabbitMQ");
  if (kind === "rabbitmq" && batched) return invalid("batched", "must be false for RabbitMQ");
  return undefined;
}

/** The field of a request that a part of the settings comes from. */
const FIELDS: Readonly<Record<string, string>> = { secrets: "secret" };

export function judgedSettings<T extends SinkSettings>(settings: T, { troubleOf }: Judge): Valid<T> {
  const [, field = "", allowed = ""] = /^(\w+): (.*)$/s.exec(troubleOf(settings) ?? "") ?? [];
  return field === "" ? valid(settings) : invalid(FIELDS[field] ?? field, allowed);
}
