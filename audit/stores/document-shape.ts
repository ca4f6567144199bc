import { redactCode } from "../verdict.ts";

/** What a field of a document has to be. */
type Kind = "text" | "whole number" | "date" | "yes or no";

export type Shape = Readonly<Record<string, Kind | `${Kind} or nothing`>>;

/** A document that the audit cannot read as what it has to be, told without what it says. */
export class MisshapenDocument extends Error {
  override readonly name = "MisshapenDocument";
}

const isOf: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  "whole number": Number.isSafeInteger,
  date: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  "yes or no": (value) => typeof value === "boolean",
};

/** The first field that is not what it has to be, in words; undefined: all are. */
export function misfitOf(document: object, shape: Shape): string | undefined {
  for (const [field, wanted] of Object.entries(shape)) {
    const kind = wanted.replace(/ or nothing$/, "") as Kind;
    const value: unknown = Reflect.get(document, field);
    if ((kind !== wanted && value === undefined) || isOf[kind](value)) continue;
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

/** A document of `coupons` by its code. */
export const couponNamed = (id: unknown): string => `coupons, ${redactCode(String(id))}`;

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (value instanceof Date) return "an invalid date";
  if (typeof value === "number") return Number.isInteger(value) ? "a number out of range" : "a fraction";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
