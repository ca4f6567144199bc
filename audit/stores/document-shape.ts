import { redactCode } from "../verdict.ts";

/** What a field of a document has to be. */
type Kind = "text" | "whole number" | "date" | "yes or no";

export type Shape = Readonly<Record<string, Kind | `${Kind} or nothing`>>;

/** A document that cannot be read as what it has to be, told without what it says. */
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

/** Read once for each shape: millions of documents are looked at. */
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

/** The first field that is not what it has to be, in words; undefined: all are. */
export function misfitOf(document: object, shape: Shape): string | undefined {
  for (const { field, kind, isOptional } of rulesOf(shape)) {
    const value: unknown = Reflect.get(document, field);
    if ((isOptional && value === undefined) || isOf[kind](value)) continue;
    return `${field} is ${kindOf(value)}, not a ${kind}`;
  }
  return undefined;
}

/** @throws MisshapenDocument `name`: which document it is, as it may be told. */
export function demandShape(document: unknown, shape: Shape, name: string): void {
  const isDocument = typeof document === "object" && document !== null;
  const misfit = isDocument ? misfitOf(document, shape) : `it is ${kindOf(document)}, not a document`;
  if (misfit !== undefined) throw new MisshapenDocument(`MongoDB: ${name}: ${misfit}`);
}

/** A document of `coupons` by its code, and one of `issuances`. */
export const couponNamed = (id: unknown): string => `coupons, ${redactCode(String(id))}`;
export const issuanceNamed = (id: unknown): string => `issuances, ${redactCode(String(id))}`;

export const ISSUANCE: Shape = {
  ...{ _id: "text", claimKey: "text", generation: "whole number", seq: "whole number", issuedAt: "date" },
};
/** What of an issuance is read where only its code and place are wanted. */
export const ISSUED_CODE: Shape = { _id: "text", generation: "whole number", seq: "whole number" };

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (value instanceof Date) return "an invalid date";
  if (typeof value === "number") return Number.isInteger(value) ? "a number out of range" : "a fraction";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
