import {
  type AnyDesc,
  type DescEnum,
  type DescField,
  type DescMessage,
  ScalarType,
} from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";

/** A JSON Schema of OpenAPI 3.1. */
export type Schema = Readonly<Record<string, unknown>>;

const WHOLE_32 = { type: "integer", format: "int32" };
/** ProtoJSON writes them as text, and reads either. */
const WHOLE_64 = { type: ["string", "integer"], format: "int64" };
const TEXT = { type: "string" };
const NUMBER = { type: "number", format: "double" };
const SCALARS: Readonly<Partial<Record<ScalarType, Schema>>> = {
  [ScalarType.STRING]: TEXT,
  [ScalarType.BOOL]: { type: "boolean" },
  [ScalarType.INT32]: WHOLE_32,
  [ScalarType.UINT32]: { ...WHOLE_32, minimum: 0 },
  [ScalarType.INT64]: WHOLE_64,
  [ScalarType.UINT64]: WHOLE_64,
  [ScalarType.DOUBLE]: NUMBER,
  [ScalarType.FLOAT]: NUMBER,
  [ScalarType.BYTES]: { ...TEXT, contentEncoding: "base64" },
};
/** Those of ProtoJSON that are no objects. */
const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  "google.protobuf.Timestamp": { ...TEXT, format: "date-time" },
  "google.protobuf.Struct": { type: "object" },
  "google.protobuf.Duration": { ...TEXT, pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$" },
};

/** The schemas of messages and enums as ProtoJSON writes them, by full name. */
export type Schemas = {
  /** A reference to the schema of a message; it is made, with those that it needs. */
  readonly of: (message: DescMessage) => Schema;
  readonly all: () => Readonly<Record<string, Schema>>;
};

export function createSchemas(): Schemas {
  const made = new Map<string, Schema>();

  function of(message: DescMessage): Schema {
    return WELL_KNOWN[message.typeName] ?? refTo(message, () => ofMessage(message));
  }

  function refTo(type: DescMessage | DescEnum, make: () => Schema): Schema {
    if (!made.has(type.typeName)) {
      // A message may have a field of its own type.
      made.set(type.typeName, {});
      made.set(type.typeName, make());
    }
    return { $ref: `#/components/schemas/${type.typeName}` };
  }

  function ofMessage(message: DescMessage): Schema {
    const properties = message.fields.map((field) => [field.jsonName, ofField(field)]);
    const alternatives = message.oneofs.map(
      ({ fields }) => `At most one of ${fields.map(({ jsonName }) => jsonName).join(", ")} is set.`,
    );
    const description = [commentOf(message), ...alternatives].join("\n\n");
    return { type: "object", description, properties: Object.fromEntries(properties) };
  }

  function ofField(field: DescField): Schema {
    const description = commentOf(field);
    switch (field.fieldKind) {
      case "list":
        return { type: "array", description, items: ofValue(field.listKind, field) };
      case "map":
        return { type: "object", description, additionalProperties: ofValue(field.mapKind, field) };
      default:
        return { ...ofValue(field.fieldKind, field), description };
    }
  }

  function ofValue(
    kind: "scalar" | "enum" | "message",
    { scalar, enum: enumeration, message }: DescField,
  ): Schema {
    if (kind === "enum" && enumeration !== undefined) return refTo(enumeration, () => ofEnum(enumeration));
    if (kind === "message" && message !== undefined) return of(message);
    const schema = scalar === undefined ? undefined : SCALARS[scalar];
    if (schema === undefined) throw new Error(`there is no schema for the type ${scalar} yet`);
    return schema;
  }

  return {
    of,
    all: () => Object.fromEntries([...made].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function ofEnum(type: DescEnum): Schema {
  const values = type.values.map((value) => `- \`${value.name}\`: ${commentOf(value)}`);
  return {
    type: "string",
    description: `${commentOf(type)}\n\n${values.join("\n")}`,
    enum: type.values.map(({ name }) => name),
  };
}

/** The comment of the contract, its lines joined. @throws Error where there is none */
export function commentOf(desc: Parameters<typeof getComments>[0] & AnyDesc): string {
  const text = (getComments(desc).leading ?? "").replaceAll(/\s*\n\s*/g, " ").trim();
  if (text === "") throw new Error(`${String(desc)} has no comment`);
  return text;
}
