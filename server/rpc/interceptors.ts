import type { Interceptor } from "@connectrpc/connect";
import { answerChannelIn } from "../http/answer-channel.ts";
import { traceIn } from "../http/call-traces.ts";
import { goneError, isCallerGone } from "./caller-gone.ts";
import { withErrorInfo } from "./error-info.ts";
import type { TellTrouble } from "./trouble.ts";

/**
 * The outermost interceptor. Turns an error into what a caller may see of it (see trouble.ts). Refusals pass
 * unchanged, and a caller that leaves its call is no error. Also ends streams whose connection has closed.
 */
export function troubleInterceptor(tell: TellTrouble): Interceptor {
  return (next) => async (request) => {
    const method = `${request.service.typeName}/${request.method.name}`;
    const told = (error: unknown) =>
      isCallerGone(error, request.signal)
        ? withErrorInfo(goneError(request.signal))
        : tell(error, method, traceIn(request.contextValues));
    try {
      const response = await next(request);
      if (!response.stream) return response;
      const messages = response.message;
      const watched: AsyncGenerator<typeof messages extends AsyncIterable<infer M> ? M : never> =
        (async function* () {
          // The framework waits until it can write, and goes on waiting when the connection closes
          // meanwhile: the stream would stay for ever.
          const stopWatching = answerChannelIn(request.contextValues).onClosed(() => {
            watched.return(undefined).catch(() => undefined);
          });
          try {
            yield* messages;
          } catch (error) {
            throw told(error);
          } finally {
            stopWatching();
          }
        })();
      return { ...response, message: watched };
    } catch (error) {
      throw told(error);
    }
  };
}
