import { create, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { firstSpelling, spellingDifference } from "../../operator/spellings.ts";
import { type Coupon, CouponSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  type FindIssuanceResponse,
  FindIssuanceResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { FindCouponResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { couponFacts } from "../coupon-facts.ts";
import { exitCodes } from "../exit-code.ts";
import { isAboutField, refusalOf } from "../failure.ts";
import { jsonOptions } from "../json.ts";
import { factLines, printable } from "../render.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const campaignId = input.optionalCampaignId;
    const userId = input.text("--user");
    const requestIds = [input.text("--request"), input.text("--request-id")].filter((id) => id !== undefined);
    const code = input.text("--code");
    const [requestId] = requestIds;
    const hasKey = userId !== undefined || requestId !== undefined;
    if (hasKey === (code !== undefined) || requestIds.length > 1) {
      throw new UserError("give either --code, or --user, or --request, or --user and --request together", {
        hint: "coupon find --help shows an example of each",
      });
    }
    if (code !== undefined) return findHolder(session, code, campaignId ?? "");
    if (campaignId === undefined) {
      throw new UserError("a user or a request id is looked up in one campaign, and none is given", {
        hint: "coupon list shows the campaign ids; only --code does without",
      });
    }
    await findByClaimKey(session, campaignId, { userId, requestId });
  },
};

/** The claim key that is looked up, as given. */
interface Key {
  readonly userId: string | undefined;
  readonly requestId: string | undefined;
}

async function findByClaimKey(session: Session, campaignId: string, key: Key): Promise<void> {
  const { output, settings } = session;
  const given = key.userId ?? key.requestId ?? "";
  const isUser = key.userId !== undefined;
  const { answer, spelling } = await firstSpelling(given, isNoCoupon, (spelled) =>
    askEither(session, {
      ...{ campaignId, userId: isUser ? spelled : "" },
      requestId: isUser ? (key.requestId ?? "") : spelled,
    }),
  ).catch((error: unknown) => {
    if (isNoCoupon(error)) throw nothingWentTo(key, error);
    throw otherKey(key, error) ?? error;
  });
  if (spelling !== given) {
    output.note(
      `not found as given; found as "${printable(spelling)}", ${spellingDifference(given, spelling)}`,
    );
  }
  const { coupon, whole } = answer;
  if (output.json) {
    const shown =
      whole === undefined
        ? toJson(FindCouponResponseSchema, create(FindCouponResponseSchema, { coupon }), jsonOptions)
        : {
            coupon: toJson(CouponSchema, coupon, jsonOptions),
            ...(toJson(FindIssuanceResponseSchema, whole, jsonOptions) as object),
          };
    await output.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  if (whole !== undefined) return writeIssuances(session, whole);
  const title = output.style("bold", printable(coupon.code));
  await output.write(`${title}\n${factLines(couponFacts(coupon, settings.zone))}`);
}

interface Ask {
  readonly campaignId: string;
  readonly userId: string;
  readonly requestId: string;
}
/** `whole`: what the operators' service answered; undefined: the callers' service answered. */
interface Answer {
  readonly coupon: Coupon;
  readonly whole: FindIssuanceResponse | undefined;
}

/**
 * Asks the operators' service, and where that does not answer this operator, the callers'; the other way
 * round for somebody with a credential of callers, or with none.
 * @throws the first error where neither answers
 */
async function askEither(session: Session, ask: Ask): Promise<Answer> {
  const { claim, token, login } = session.settings;
  const ways: [AskOne, AskOne] = [asOperator, asCaller];
  const isCaller = token === undefined && login.freshToken === undefined;
  if (claim.credential !== undefined || isCaller) ways.reverse();
  const [first, second] = ways;
  try {
    return await first(session, ask);
  } catch (error) {
    if (!isUnanswered(error)) throw error;
    return await second(session, ask).catch((other: unknown) => {
      throw isUnanswered(other) ? error : other;
    });
  }
}

type AskOne = (session: Session, ask: Ask) => Promise<Answer>;

async function asOperator(session: Session, ask: Ask): Promise<Answer> {
  const whole = await call(session, (options) => session.campaigns.findIssuance(ask, options));
  return { coupon: demandCoupon(whole.issuance?.coupon), whole };
}

async function asCaller(session: Session, ask: Ask): Promise<Answer> {
  const { coupon } = await call(session, (options) => session.coupons.findCoupon(ask, options));
  return { coupon: demandCoupon(coupon), whole: undefined };
}

function demandCoupon(coupon: Coupon | undefined): Coupon {
  if (coupon === undefined) throw new Error("the service answered without a coupon");
  return coupon;
}

/** An older operators' service knows codes alone, and misses the code. */
function isUnanswered(error: unknown): boolean {
  const code = error instanceof ConnectError ? error.code : undefined;
  const isElsewhere =
    code === Code.Unimplemented || code === Code.Unauthenticated || code === Code.PermissionDenied;
  return isElsewhere || isAboutField(error, "code");
}

/** Finds the holder of a code, with the operators' service. */
async function findHolder(session: Session, code: string, campaignId: string): Promise<void> {
  const { output } = session;
  const answer = await call(session, (options) =>
    session.campaigns.findIssuance({ code, campaignId }, options),
  ).catch((error: unknown) => {
    throw isNoCoupon(error) ? nobodyHas(campaignId, error) : error;
  });
  demandCoupon(answer.issuance?.coupon);
  if (output.json) {
    await output.write(`${JSON.stringify(toJson(FindIssuanceResponseSchema, answer, jsonOptions))}\n`);
    return;
  }
  await writeIssuances(session, answer);
}

async function writeIssuances({ output, settings }: Session, answer: FindIssuanceResponse): Promise<void> {
  const { issuance, campaignName, others, hasMore } = answer;
  for (const { coupon, userId, requestId } of issuance === undefined ? [] : [issuance, ...others]) {
    if (coupon === undefined) continue;
    const facts: [label: string, value: string][] = [["name", printable(campaignName)]];
    if (userId !== "") facts.push(["user", printable(userId)]);
    if (requestId !== "") facts.push(["request id", printable(requestId)]);
    const title = output.style("bold", printable(coupon.code));
    await output.write(`${title}\n${factLines([...couponFacts(coupon, settings.zone), ...facts])}`);
  }
  if (hasMore) output.note("this user has more coupons; coupon export lists all");
}

function isNoCoupon(error: unknown): boolean {
  return refusalOf(error)?.reason === RefusalReason.NO_COUPON;
}

function nothingWentTo({ userId, requestId }: Key, cause: unknown): UserError {
  const user = userId === undefined ? [] : [`the user "${printable(userId)}"`];
  const request = requestId === undefined ? [] : [`the request id "${printable(requestId)}"`];
  return new UserError(`no coupon of this campaign went to ${[...user, ...request].join(" with ")}`, {
    exitCode: exitCodes.notFound,
    hint: "coupon export lists who has one",
    cause,
  });
}

/**
 * The campaign decides which key it uses: the service refuses a request without that key. undefined: the
 * error is another.
 */
function otherKey({ userId, requestId }: Key, cause: unknown): UserError | undefined {
  if (requestId === undefined && isAboutField(cause, "request_id"))
    return new UserError("this campaign gives coupons by request id, not by user", {
      hint: "give --request and the request id that claimed; coupon export lists them with their users",
      cause,
    });
  if (isAboutField(cause, "user_id, request_id"))
    return new UserError(
      "no claim without a token has this request id, and with a token it is its user's own",
      {
        hint: "give --user beside --request",
        cause,
      },
    );
  if (userId !== undefined || !isAboutField(cause, "user_id")) return undefined;
  return new UserError("this campaign gives one coupon per user, whatever the request id", {
    hint: "give --user and who claimed",
    cause,
  });
}

function nobodyHas(campaignId: string, cause: unknown): UserError {
  return new UserError(`this code was not issued${campaignId === "" ? "" : " of this campaign"}`, {
    exitCode: exitCodes.notFound,
    hint:
      campaignId === ""
        ? "read it again letter by letter; a code that is not issued yet is answered the same"
        : "leave the campaign id out to look in all campaigns",
    cause,
  });
}
