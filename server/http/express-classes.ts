import { IncomingMessage, type ServerOptions, ServerResponse } from "node:http";
import type { Express } from "express";

/**
 * Classes of request and response for a server that this app answers part of. Express gives every request and
 * response that it takes its own prototype; from then on V8 knows two kinds of each, and all of Node's HTTP
 * code runs on slow, general look-ups, also for requests that Express never sees. Made of these classes, they
 * have the prototype of Express from the start, and setting it changes nothing.
 */
export function expressClasses(app: Express): Pick<ServerOptions, "IncomingMessage" | "ServerResponse"> {
  class AppRequest extends IncomingMessage {}
  class AppResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {}
  adopt(AppRequest.prototype, app.request);
  adopt(AppResponse.prototype, app.response);
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse };
}

/** Takes over what Express made for this app, and stands before what it has for all. */
function adopt(prototype: object, ofApp: object): void {
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(ofApp));
  Object.setPrototypeOf(prototype, Object.getPrototypeOf(ofApp));
}
