import type { IncomingMessage } from "node:http";

export type BodyTaker = {
  /** Called with each piece of the body, in order; none is empty. */
  take(piece: Buffer): void;
};

/**
 * A request whose body can go straight from Node's parser to one taker. As a stream, each of these small
 * bodies is buffered, scheduled, read, ended and destroyed, which costs as much as the answer's content.
 */
export type DirectRequest = IncomingMessage & {
  /** None of its body has come, so that a taker gets all of it before it is a stream's. */
  readonly isBodyToCome: boolean;
  /** Nothing else may read the request from now on. */
  takeBody(taker: BodyTaker): void;
  /**
   * Makes it a stream again, which begins with these bytes: those that the taker has got. At any time where
   * the body was to come, else before the taker returns: its stream ends then.
   */
  giveBack(body: Buffer): void;
};
