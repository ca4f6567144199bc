import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** The files of the contract of some services, by name and by what they declare. */
export type ContractFiles = {
  readonly ofName: (name: string) => DescFile | undefined;
  /** By the full name of a service, method, message, field, enum or value. */
  readonly ofSymbol: (symbol: string) => DescFile | undefined;
  /** Whether it is a message. */
  readonly isMessage: (name: string) => boolean;
  /** A file, and all that it imports which are not among `sent`, to which they are added. */
  readonly withImports: (file: DescFile, sent: Set<string>) => Uint8Array[];
};

/**
 * `more`: files beside those of the services, such as that of a detail of errors.
 * @throws Error where one of these files declares a service that is not among `services`
 */
export function createContractFiles(
  services: readonly DescService[],
  more: readonly DescFile[] = [],
): ContractFiles {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const messages = new Set<string>();
  const served = new Set(services.map(({ typeName }) => typeName));

  function add(file: DescFile): void {
    const name = nameOf(file);
    if (files.has(name)) return;
    files.set(name, file);
    file.dependencies.forEach(add);
    for (const service of file.services)
      if (!served.has(service.typeName)) throw new Error(`${name} declares ${service.typeName}`);
    for (const type of nestedTypes(file)) {
      symbols.set(type.typeName, file);
      if (type.kind === "message") messages.add(type.typeName);
      for (const member of membersOf(type)) symbols.set(member, file);
    }
  }
  for (const { file } of services) add(file);
  more.forEach(add);

  return {
    ofName: (name) => files.get(name),
    ofSymbol: (symbol) => symbols.get(symbol),
    isMessage: (name) => messages.has(name),
    withImports(file, sent) {
      const found = [file];
      sent.add(nameOf(file));
      // It grows while it is read.
      for (const { dependencies } of found)
        for (const imported of dependencies)
          if (!sent.has(nameOf(imported))) {
            sent.add(nameOf(imported));
            found.push(imported);
          }
      return found.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
    },
  };
}

/** A descriptor's own name has no ending. */
const nameOf = ({ proto }: DescFile) => proto.name;

type Declared = ReturnType<typeof nestedTypes> extends Iterable<infer T> ? T : never;

/** The full names of what a type declares. The values of an enum are named beside it, not in it. */
function membersOf(type: Declared): string[] {
  switch (type.kind) {
    case "service":
      return type.methods.map(({ name }) => `${type.typeName}.${name}`);
    case "message":
      return [...type.fields, ...type.oneofs].map(({ name }) => `${type.typeName}.${name}`);
    case "enum": {
      const scope = type.typeName.slice(0, -type.name.length);
      return type.values.map(({ name }) => scope + name);
    }
    default:
      return [];
  }
}
