import { redactCode } from "../verdict.ts";

/** The type that a field of a document must have. */
type Kind = "text" | "whole number" | "date" | "yes or no";

export type Shape = Readonly<Record<string, Kind | `${Kind} or nothing`>>;

/** A document of a wrong shape; the message names the document and the field, without its value. */
export class MisshapenDocument extends Error {
  override readonly name = "MisshapenDocument";
}

const isOf: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  "whole number": Number.isSafeInteger,
  date: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  "yes or no": (value) => typeof value === "boolean",
};

type Rule = { readonly field: string; readonly kind: Kind; readonly isOptional: boolean };

/** Parsed once for each shape, because millions of documents are checked. */
const rules = new WeakMap<Shape, readonly Rule[]>();

function rulesOf(shape: Shape): readonly Rule[] {
  const known = rules.get(shape);
  if (known !== undefined) return known;
  const read = Object.entries(shape).map(([field, wanted]): Rule => {
    const kind = wanted.replace(/ or nothing$/, "") as Kind;
    return { field, kind, isOptional: kind !== wanted };
  });
  rules.set(shape, read);
  return read;
}

/** The first field of a wrong type, as a sentence; undefined: all are right. */
export function misfitOf(document: object, shape: Shape): string | undefined {
  for (const { field, kind, isOptional } of rulesOf(shape)) {
    const value: unknown = Reflect.get(document, field);
    if ((isOptional && value === undefined) || isOf[kind](value)) continue;
    return `${field} is ${kindOf(value)}, not a ${kind}`;
  }
  return undefined;
}

/** @throws MisshapenDocument `name`: the document, in a form that a message may show. */
export function demandShape(document: unknown, shape: Shape, name: string): void {
  const isDocument = typeof document === "object" && document !== null;
  const misfit = isDocument ? misfitOf(document, shape) : `it is ${kindOf(document)}, not a document`;
  if (misfit !== undefined) throw new MisshapenDocument(`MongoDB: ${name}: ${misfit}`);
}

/** The names of a document of `coupons` and of one of `issuances`, by its code, which stays secret. */
export const couponNamed = (id: unknown): string => `coupons, ${redactCode(String(id))}`;
export const issuanceNamed = (id: unknown): string => `issuances, ${redactCode(String(id))}`;

export const ISSUANCE: Shape = {
  ...{ _id: "text", claimKey: "text", generation: "whole number", seq: "whole number", issuedAt: "date" },
};
/** The part of an issuance that is read where only its code and place are needed. */
export const ISSUED_CODE: Shape = { _id: "text", generation: "whole number", seq: "whole number" };

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (value instanceof Date) return "an invalid date";
  if (typeof value === "number") return Number.isInteger(value) ? "a number out of range" : "a fraction";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
