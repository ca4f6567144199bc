import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { importCodes } from "../../campaign/import-codes.ts";
import { invalid, TOTAL_MAX, validCampaignId, validKey } from "../../campaign/valid.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import {
  CodeFaultKind,
  type CodeImport,
  CodeImportSchema,
  CodeImportState,
} from "../../proto/gen/coupon/v1/code_import_pb.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import type { CodeFaultDoc, CodeImportDoc } from "../../record/code-import-documents.ts";
import type { CodeImports } from "../../record/code-imports.ts";
import type { Clock } from "../../runtime/clock.ts";
import { counted, grouped } from "../../runtime/counting.ts";
import { createRefuse } from "./refuse.ts";
import { validCount } from "./validation.ts";

type CodeImportService = Pick<
  ServiceImpl<typeof CampaignService>,
  "beginCodeImport" | "uploadCodes" | "getCodeImport" | "discardCodeImport"
>;

const CODES_MAX = 5_000;
const FAULTS_MAX = 100_000;
const PAGE = { most: 1_000, whenZero: 1_000 } as const;
const NONE_LIKE_IT = { shortest: 99, digits: false, letters: false, syllables: false } as const;

const KINDS: Readonly<Record<CodeFaultDoc["kind"], CodeFaultKind>> = {
  empty: CodeFaultKind.EMPTY,
  "bad-character": CodeFaultKind.BAD_CHARACTER,
  "too-long": CodeFaultKind.TOO_LONG,
  duplicate: CodeFaultKind.DUPLICATE,
  clash: CodeFaultKind.CLASH,
};
const STATES: Readonly<Record<CodeImportDoc["state"], CodeImportState>> = {
  open: CodeImportState.OPEN,
  used: CodeImportState.USED,
  discarded: CodeImportState.DISCARDED,
};

/** The part of the operators' service that takes the codes which a campaign brings. */
export function createCodeImportService({
  imports,
  clock,
}: {
  readonly imports: CodeImports;
  readonly clock: Clock;
}): CodeImportService {
  const { orRefuse } = createRefuse(clock);

  async function importOf(id: string): Promise<CodeImportDoc> {
    if (id === "") return orRefuse(invalid("import_id", "must not be empty: the id of BeginCodeImport"));
    const known = validCampaignId(id);
    const found = known.ok ? await imports.find(known.value) : null;
    return found ?? orRefuse(invalid("import_id", "is that of no import"));
  }

  return {
    async beginCodeImport({ requestId }) {
      const key = orRefuse(validKey("request_id", requestId));
      const nowMs = clock.now();
      const begun = await imports.begin({
        ...{ _id: newCampaignId(nowMs), key, state: "open", rows: 0 },
        ...{ codes: NONE_LIKE_IT, createdAt: new Date(nowMs) },
      });
      return { codeImport: viewImport(begun, await imports.countFaults(begun._id)) };
    },

    async uploadCodes({ importId, firstRow, codes }) {
      const { _id, rows } = await importOf(importId);
      if (codes.length === 0 || codes.length > CODES_MAX)
        return orRefuse(invalid("codes", `has ${counted(codes.length, "code")}: 1 to ${grouped(CODES_MAX)}`));
      if (firstRow < 0 || firstRow > rows)
        return orRefuse(
          invalid("first_row", `is ${grouped(firstRow)}: at most ${grouped(rows)}, the next one`),
        );
      if (firstRow + codes.length > TOTAL_MAX)
        return orRefuse(invalid("codes", `go beyond ${grouped(TOTAL_MAX)} rows`));
      const taken = await importCodes(imports, _id, firstRow, codes);
      if (taken.kind === "closed")
        return orRefuse(invalid("import_id", "takes no codes: it is used or discarded"));
      if (taken.kind === "changed")
        return orRefuse(
          invalid("codes", `has another code in row ${grouped(taken.row)} than before: the file has changed`),
        );
      if (taken.faults > 0 && (await imports.countFaults(_id)) > FAULTS_MAX)
        return orRefuse(
          invalid("codes", `have more than ${grouped(FAULTS_MAX)} faults: this is no file of codes`),
        );
      return { rows: taken.rows, faults: taken.faults };
    },

    async getCodeImport({ importId, pageSize, pageToken }) {
      const limit = orRefuse(validCount("page_size", pageSize, 1, PAGE.most, PAGE.whenZero));
      if (!/^\d{0,7}$/.test(pageToken))
        return orRefuse(invalid("page_token", "must be empty or the next_page_token of an earlier answer"));
      const doc = await importOf(importId);
      const found = await imports.faults(doc._id, Number(pageToken), limit + 1);
      const shown = found.slice(0, limit);
      return {
        codeImport: viewImport(doc, await imports.countFaults(doc._id)),
        faults: shown.map(({ row, kind, ofRow = 0, campaignId = "", detail = "" }) => {
          return { row, kind: KINDS[kind], ofRow, campaignId, detail };
        }),
        nextPageToken: found.length > limit ? String(found[limit]?.row) : "",
      };
    },

    async discardCodeImport({ importId }) {
      const { _id } = await importOf(importId);
      if ((await imports.discard(_id)) === null)
        return orRefuse(invalid("import_id", "is used: a campaign has its codes"));
      return { done: await imports.removeSome(_id) };
    },
  };
}

function viewImport({ _id, state, rows, createdAt }: CodeImportDoc, faults: number): CodeImport {
  const at = timestampFromDate(createdAt);
  return create(CodeImportSchema, { id: _id, state: STATES[state], rows, faults, createdAt: at });
}
