import { Code, ConnectError } from "@connectrpc/connect";

const TRANSIENT: readonly Code[] = [
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.ResourceExhausted,
];
const OF_CONNECTION: readonly Code[] = [Code.Unknown, Code.Internal, Code.DataLoss];

/**
 * Whether another try may succeed: the connection broke, or the service is busy. A browser does not name the
 * cause of a broken connection: there the error has a cause, or the stream no end message.
 */
export function isBroken(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  if (TRANSIENT.includes(error.code)) return true;
  const hasCause = error.cause !== undefined || /missing EndStreamResponse|premature/i.test(error.rawMessage);
  return OF_CONNECTION.includes(error.code) && hasCause;
}
