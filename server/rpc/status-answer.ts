import { fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { type CountLookUp, rateLimited } from "../../access/limits.ts";
import {
  CouponService,
  GetCampaignStatusRequestSchema,
  type GetCampaignStatusResponse,
  GetCampaignStatusResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { CallTrace } from "../http/call-traces.ts";
import type { FastGet, GetAnswer } from "../http/fast-get.ts";
import type { FastMethod } from "../http/fast-path.ts";
import { type Codec, type PlainAnswer, plainAnswer } from "../http/plain-call.ts";
import type { CampaignStatus, GetCampaignStatus } from "./campaign-status.ts";
import { readGetQuery } from "./get-query.ts";
import { createRefusalAnswers, errorAnswer } from "./issue-answer.ts";
import {
  CACHE_CONTROL,
  cacheControlOf,
  cacheControlOfRefusal,
  ETAG,
  etagOf,
  NOT_KEPT,
} from "./status-caching.ts";
import type { TellTrouble } from "./trouble.ts";

const METHOD = `${CouponService.typeName}/${CouponService.method.getCampaignStatus.name}`;
export const STATUS_PATH = `/${METHOD}`;

/**
 * Nothing but the id, in either spelling of its field, and JSON's white space. Source: RFC 8259, section 2.
 */
const PLAIN =
  /^[ \t\r\n]*\{[ \t\r\n]*"campaign(?:Id|_id)"[ \t\r\n]*:[ \t\r\n]*"([0-9A-Za-z]*)"[ \t\r\n]*\}[ \t\r\n]*$/;
const KEPT_MAX = 1_000;
/** A longer query is read anew each time. */
const QUERY_LENGTH_MAX = 256;

export type StatusAnswersDeps = {
  campaignStatus: GetCampaignStatus;
  /** undefined: look-ups are not limited. */
  countLookUp?: CountLookUp | undefined;
  tellTrouble: TellTrouble;
  clock: Clock;
};

/** How one answer is given to POST and to GET. */
type Told = { readonly plain: PlainAnswer; readonly cacheControl: string; readonly etag?: string };

export type StatusAnswers = { readonly post: FastMethod; readonly get: FastGet };

/** GetCampaignStatus from body or query to answer, without the framework. */
export function createStatusAnswers(deps: StatusAnswersDeps): StatusAnswers {
  const { campaignStatus, countLookUp, tellTrouble, clock } = deps;
  const refusals = createRefusalAnswers();
  /** By codec and campaign: callers that ask in the same millisecond get the same bytes. */
  const kept = new Map<string, { readonly atMs: number; readonly told: Told }>();
  /** Pages that count down ask again with the same query. */
  const asks = new Map<string, Ask>();

  function tell(codec: Codec, given: CampaignStatus): Told {
    if (given.kind === "status") return tellStatus(codec, given.status);
    const { refusal } = given;
    return { plain: refusals(refusal, clock.now()), cacheControl: cacheControlOfRefusal(refusal) };
  }

  function answerAt(codec: Codec, campaignId: string): Told | Promise<Told> {
    const given = campaignStatus(campaignId);
    return given instanceof Promise ? given.then((told) => tell(codec, told)) : tell(codec, given);
  }

  function answer({ codec, campaignId }: Ask, caller: CallTrace): Told | Promise<Told> {
    const atMs = clock.now();
    const key = `${codec} ${campaignId}`;
    const last = kept.get(key);
    if (last?.atMs === atMs) return last.told;
    const told = answerAt(codec, campaignId);
    if (told instanceof Promise)
      return told.catch((error: unknown) => ({
        plain: errorAnswer(tellTrouble(error, METHOD, caller)),
        cacheControl: NOT_KEPT,
      }));
    if (told.plain.status === 200) {
      if (kept.size >= KEPT_MAX) kept.clear();
      // The clock may have moved on meanwhile: then the bytes are of the later millisecond, and no other
      // caller gets them.
      if (clock.now() === atMs) kept.set(key, { atMs, told });
    }
    return told;
  }

  /** The answer, unless the caller asks too often. */
  function answerTo(ask: Ask, caller: Asker): Told | Promise<Told> {
    const over = countLookUp?.(caller.address);
    return over === undefined
      ? answer(ask, caller)
      : { plain: refusals(rateLimited(over), clock.now()), cacheControl: NOT_KEPT };
  }

  function askOf(query: string): Ask | undefined {
    const known = asks.get(query);
    if (known !== undefined) return known;
    const ask = readQuery(query);
    if (ask === undefined || query.length > QUERY_LENGTH_MAX) return ask;
    if (asks.size >= KEPT_MAX) asks.clear();
    asks.set(query, ask);
    return ask;
  }

  return {
    post(codec, body, caller) {
      const ask = readBody(codec, body);
      if (ask === undefined) return undefined;
      const told = answerTo(ask, caller);
      return told instanceof Promise ? told.then(({ plain }) => plain) : told.plain;
    },
    get(query, caller) {
      const ask = askOf(query);
      if (ask === undefined) return undefined;
      const told = answerTo(ask, caller);
      return told instanceof Promise ? told.then(toGet) : toGet(told);
    },
  };
}

function tellStatus(codec: Codec, status: GetCampaignStatusResponse): Told {
  const plain =
    codec === "proto"
      ? plainAnswer({
          status: 200,
          type: "application/proto",
          body: toBinary(GetCampaignStatusResponseSchema, status),
        })
      : plainAnswer({
          status: 200,
          type: "application/json",
          body: toJsonString(GetCampaignStatusResponseSchema, status),
        });
  return { plain, cacheControl: cacheControlOf(status), etag: etagOf(status) };
}

function toGet({ plain, cacheControl, etag }: Told): GetAnswer {
  const fields = [CACHE_CONTROL, cacheControl, ...(etag === undefined ? [] : [ETAG, etag])];
  const whole = { ...plain, fields: [...plain.fields, ...fields] };
  return etag === undefined ? { whole } : { whole, unchanged: { etag, fields } };
}

type Asker = CallTrace & { readonly address: string };

type Ask = { readonly codec: Codec; readonly campaignId: string };

/** undefined: an unusual body, which the framework reads or refuses. */
function readBody(codec: Codec, body: Buffer): Ask | undefined {
  const campaignId = codec === "json" ? readJson(body) : readBinary(body);
  return campaignId === undefined ? undefined : { codec, campaignId };
}

function readQuery(query: string): Ask | undefined {
  const given = readGetQuery(query);
  return given === undefined ? undefined : readBody(given.codec, given.message);
}

function readJson(body: Buffer): string | undefined {
  return PLAIN.exec(body.toString("latin1"))?.[1];
}

function readBinary(body: Uint8Array): string | undefined {
  try {
    return fromBinary(GetCampaignStatusRequestSchema, body).campaignId;
  } catch {
    return undefined;
  }
}
