import type { DescService, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type {
  ServerReflection,
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from "../../proto/gen/grpc/reflection/v1/reflection_pb.ts";
import type { ContractFiles } from "./contract-files.ts";

export type ReflectionServiceDeps = {
  /** All services of this port. */
  readonly services: readonly DescService[];
  readonly files: ContractFiles;
};

/** The most streams of one port of a process, and the most questions of one stream. */
export const REFLECTIONS_MAX = 16;
export const QUESTIONS_MAX = 1_000;

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/**
 * The reflection service of gRPC: tells tools the contract of the services of its port. Source:
 * grpc.io/docs/guides/reflection.
 */
export function createReflectionService(deps: ReflectionServiceDeps): ServiceImpl<typeof ServerReflection> {
  const { services, files } = deps;
  let streams = 0;

  function filesOf(file: ReturnType<ContractFiles["ofName"]>, what: string, sent: Set<string>): Answer {
    if (file === undefined) return notFound(what);
    return {
      case: "fileDescriptorResponse",
      value: { fileDescriptorProto: files.withImports(file, sent) },
    };
  }

  function answerTo({ messageRequest }: ServerReflectionRequest, sent: Set<string>): Answer {
    switch (messageRequest.case) {
      case "fileByFilename":
        return filesOf(files.ofName(messageRequest.value), "file", sent);
      case "fileContainingSymbol":
        return filesOf(files.ofSymbol(messageRequest.value), "symbol", sent);
      case "fileContainingExtension":
        return notFound("extension");
      case "allExtensionNumbersOfType":
        // The contract has no extensions.
        return files.isMessage(messageRequest.value)
          ? {
              case: "allExtensionNumbersResponse",
              value: { baseTypeName: messageRequest.value, extensionNumber: [] },
            }
          : notFound("message");
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName }) => ({ name: typeName })) },
        };
      case undefined:
        return error(Code.InvalidArgument, "the question is none that this server knows");
      default:
        return messageRequest satisfies never;
    }
  }

  return {
    async *serverReflectionInfo(requests, _: HandlerContext) {
      if (streams >= REFLECTIONS_MAX)
        throw new ConnectError("too many streams ask for the contract", Code.ResourceExhausted);
      streams += 1;
      try {
        const sent = new Set<string>();
        let asked = 0;
        for await (const request of requests) {
          asked += 1;
          if (asked > QUESTIONS_MAX)
            throw new ConnectError(`a stream has ${QUESTIONS_MAX} questions at most`, Code.ResourceExhausted);
          yield {
            validHost: request.host,
            originalRequest: request,
            messageResponse: answerTo(request, sent),
          };
        }
      } finally {
        streams -= 1;
      }
    },
  };
}

function notFound(what: string): Answer {
  return error(Code.NotFound, `this port has no such ${what}`);
}

function error(code: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode: code, errorMessage } };
}
