import { type ClientRequest, request } from "node:http";
import { create, fromBinary, fromJsonString, toBinary } from "@bufbuild/protobuf";
import {
  ExportCouponsRequestSchema,
  ExportCouponsResponseSchema,
  GetCampaignResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";

/** One whole answer of the service to an export or a listing. */
export type Reading = {
  readonly bytes: number;
  readonly seconds: number;
  readonly messages: readonly Buffer[];
};

const SERVICE = "/coupon.v1.CampaignService/";
const ENVELOPE_BYTES = 5;
const FLAG_END = 2;

type Call = {
  readonly baseUrl: string;
  readonly campaignId: string;
  /**
   * Keep the messages for a check of their content; else their bytes are only counted, so that reading takes
   * almost no processor time.
   */
  readonly keep: boolean;
  readonly signal: AbortSignal;
  /** Called for each part that arrives, with its number of bytes. */
  readonly onBytes?: (bytes: number) => void;
};

/**
 * ExportCoupons to its end, in the binary form of Connect, with the service's default batch size. Parses the
 * envelopes, does not decode their content.
 * @throws where the stream breaks off or ends with an error
 */
export function readExport({ campaignId, ...call }: Call): Promise<Reading> {
  const message = toBinary(ExportCouponsRequestSchema, create(ExportCouponsRequestSchema, { campaignId }));
  const head = Buffer.alloc(ENVELOPE_BYTES);
  head.writeUInt32BE(message.length, 1);
  const envelopes = followEnvelopes(call.keep);
  return read(call, "ExportCoupons", "application/connect+proto", Buffer.concat([head, message]), {
    onPart: envelopes.onPart,
    atEnd: envelopes.atEnd,
  });
}

/** GetCampaign with all issued codes, in JSON, as an operator's script calls it. */
export function readCodes({ campaignId, ...call }: Call): Promise<Reading> {
  const parts: Buffer[] = [];
  return read(call, "GetCampaign", "application/json", Buffer.from(JSON.stringify({ campaignId })), {
    onPart: (part) => void (call.keep && parts.push(part)),
    atEnd: () => [Buffer.concat(parts)],
  });
}

/** Codes of an export, in the order in which they came. */
export function codesOfExport({ messages }: Reading): string[] {
  return messages
    .map((message) => fromBinary(ExportCouponsResponseSchema, message))
    .flatMap(({ coupons }) => coupons.map(({ coupon }) => coupon?.code ?? ""));
}

export function codesOfCampaign({ messages }: Reading): string[] {
  return messages.flatMap(
    (message) => fromJsonString(GetCampaignResponseSchema, message.toString()).issuedCodes,
  );
}

type Sink = { readonly onPart: (part: Buffer) => void; readonly atEnd: () => readonly Buffer[] };

function read(
  { baseUrl, signal, onBytes }: Omit<Call, "campaignId">,
  method: string,
  contentType: string,
  body: Buffer,
  { onPart, atEnd }: Sink,
): Promise<Reading> {
  const startedMs = performance.now();
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": contentType,
      "content-length": body.length,
      "connect-protocol-version": "1",
      authorization: `Bearer ${OPERATOR_TOKEN}`,
    };
    const sent: ClientRequest = request(
      new URL(SERVICE + method, baseUrl),
      { method: "POST", headers, signal, agent: false },
      (response) => {
        if (response.statusCode !== 200) {
          response.destroy(new Error(`${method}: HTTP ${response.statusCode}`));
        }
        response.on("data", (part: Buffer) => {
          bytes += part.length;
          onBytes?.(part.length);
          onPart(part);
        });
        response.on("error", reject);
        response.on("end", () => {
          try {
            resolve({ bytes, messages: atEnd(), seconds: (performance.now() - startedMs) / 1_000 });
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Parses the envelopes of a Connect stream: one byte of flags, four of length, the message. */
export function followEnvelopes(keep: boolean): Sink {
  const messages: Buffer[] = [];
  let head = Buffer.alloc(0);
  let body: Buffer[] = [];
  let missing = 0;
  let inBody = false;
  let end: string | undefined;

  function onBodyEnd(): void {
    inBody = false;
    const message = Buffer.concat(body);
    body = [];
    if ((head[0] ?? 0) & FLAG_END) end = message.toString();
    else if (keep) messages.push(message);
    head = Buffer.alloc(0);
  }

  return {
    onPart(part) {
      for (let at = 0; at < part.length; ) {
        if (!inBody) {
          const taken = part.subarray(at, at + ENVELOPE_BYTES - head.length);
          head = Buffer.concat([head, taken]);
          at += taken.length;
          if (head.length < ENVELOPE_BYTES) continue;
          missing = head.readUInt32BE(1);
          inBody = true;
        } else {
          const taken = part.subarray(at, at + missing);
          // The last message contains the stream's error, if any: it is read in any case.
          if (keep || (head[0] ?? 0) & FLAG_END) body.push(taken);
          missing -= taken.length;
          at += taken.length;
        }
        if (inBody && missing === 0) onBodyEnd();
      }
    },
    atEnd() {
      if (end === undefined) throw new Error("the stream broke off before its end");
      const { error } = JSON.parse(end) as { error?: { code?: string; message?: string } };
      if (error !== undefined) throw new Error(`the stream ended with ${error.code}: ${error.message}`);
      return messages;
    },
  };
}
