import { IncomingMessage, type ServerOptions, ServerResponse } from "node:http";
import type { Express } from "express";

/**
 * Classes of request and response for a server that passes part of its requests to this app. Express sets a
 * prototype of its own on every request and response that it gets; V8 then has two shapes of each, and all of
 * Node's HTTP code runs on slow, general look-ups, also for requests that Express never gets. Objects of
 * these classes have the prototype of Express from the start, and setting it changes nothing.
 */
export function expressClasses(app: Express): Pick<ServerOptions, "IncomingMessage" | "ServerResponse"> {
  class AppRequest extends IncomingMessage {}
  class AppResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {}
  adopt(AppRequest.prototype, app.request);
  adopt(AppResponse.prototype, app.response);
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse };
}

/** Copies the properties that Express made for this app, and inherits those that it has for all apps. */
function adopt(prototype: object, ofApp: object): void {
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(ofApp));
  Object.setPrototypeOf(prototype, Object.getPrototypeOf(ofApp));
}
