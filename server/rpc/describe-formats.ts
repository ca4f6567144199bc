import { setImmediate as turn } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { TOTAL_MAX, type Valid } from "../../campaign/valid.ts";
import type { CodeFormat } from "../../codes/code-format.ts";
import { exampleCodes } from "../../codes/example-code.ts";
import { factsOf } from "../../codes/format-facts.ts";
import { codesLike } from "../../codes/overlap.ts";
import type {
  DescribeFormatsRequest,
  DescribeFormatsResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import { validCodeFormats, validCount } from "./validation.ts";

export type DescribeFormatsDeps = {
  campaigns: Pick<Campaigns, "totalsByFormat">;
  orRefuse: <T>(valid: Valid<T>) => T;
};

const EXAMPLES = 3;
const TOTAL = { least: 1, whenZero: 1_000 } as const;

/** The largest first, with and without a check character; the last one is an example of a refused one. */
const SELECTION: readonly string[] = [
  "가가가가가가0000",
  "가가가가가가000#",
  "가0가0가0가0가0",
  "가가가가000",
  "가가가가00#",
  "가가가0000",
  "########",
  "SUMMER-AAAA0000",
  "가가00",
];

/**
 * Describes formats and their odds. The only call to a store returns totals by pattern: no code is
 * read.
 */
export function createDescribeFormats({ campaigns, orRefuse }: DescribeFormatsDeps) {
  function describe(format: CodeFormat, total: number, totals: ReadonlyMap<string, number>) {
    const existing = codesLike(format, totals);
    const facts = factsOf(format, total, existing);
    return {
      codeFormat: format.pattern,
      examples: exampleCodes(format, EXAMPLES),
      combinations: String(format.space),
      codes: String(facts.codes),
      entropyBits: Math.log2(Number(facts.codes)),
      existing: BigInt(existing),
      room: String(facts.room),
      guessOdds: facts.guessOdds,
      collisionOdds: facts.collisionOdds,
      expectedCollisions: facts.expectedCollisions,
      hasCheckCharacter: format.check,
      fits: facts.whyNot === undefined,
      whyNot: facts.whyNot ?? "",
    };
  }

  return async (
    request: DescribeFormatsRequest,
  ): Promise<MessageInitShape<typeof DescribeFormatsResponseSchema>> => {
    const { codeFormats } = request;
    const total = orRefuse(validCount("total", request.total, TOTAL.least, TOTAL_MAX, TOTAL.whenZero));
    const formats = orRefuse(validCodeFormats(codeFormats.length === 0 ? SELECTION : codeFormats));
    const totals = await campaigns.totalsByFormat();
    const described = [];
    for (const format of formats) {
      described.push(describe(format, total, totals));
      // Counting a pattern for the first time takes up to 0.1 s: claims are served in between.
      await turn();
    }
    return { formats: described, total };
  };
}
