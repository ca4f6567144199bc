import { IncomingMessage, type ServerOptions, ServerResponse } from "node:http";
import type { Express } from "express";
import type { BodyTaker, DirectRequest } from "./direct-request.ts";

/**
 * Classes of request and response for a server that passes part of its requests to this app. Express sets a
 * prototype of its own on every request and response that it gets; V8 then has two shapes of each, and all of
 * Node's HTTP code runs on slow, general look-ups, also for requests that Express never gets. Objects of
 * these classes have the prototype of Express from the start, and setting it changes nothing.
 */
export function expressClasses(app: Express): Pick<ServerOptions, "IncomingMessage" | "ServerResponse"> {
  // The methods are in this class, as it inherits from Express' prototype and from no class between.
  class AppRequest extends IncomingMessage implements DirectRequest {
    /** Node's mark of a request that is read: it discards the body of any other with the answer. */
    declare _consumed: boolean;
    // Not `#private`, which are of one class: an app may pass a request to another one, which has its own.
    private bodyTaker: BodyTaker | undefined;
    private onPiece: ((piece: Buffer) => void) | undefined;

    get isBodyToCome(): boolean {
      return !this.complete && this.readableLength === 0;
    }

    takeBody(taker: BodyTaker): void {
      if (!this.isBodyToCome) {
        // The request waited for its turn, and the stream has some of its body.
        this.onPiece = (piece) => taker.take(piece);
        this.on("data", this.onPiece);
        return;
      }
      this.bodyTaker = taker;
      this._consumed = true;
    }

    giveBack(body: Buffer): void {
      if (this.onPiece !== undefined) {
        this.off("data", this.onPiece);
        this.pause();
        this.unshift(body);
        return;
      }
      this.bodyTaker = undefined;
      this._consumed = false;
      super.push(body);
      // Its end came while the taker waited with it.
      if (this.complete) super.push(null);
    }

    override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
      const { socket } = this;
      super._destroy(error, callback);
      // The parser stopped it when the body came faster than the handler read.
      if (!this.complete && !socket.destroyed) socket.resume();
    }

    /** Called by Node's parser with each piece, and with null at the end. */
    override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
      // A handler that has read enough of it has destroyed it: the rest is discarded, as Node discards a body
      // that nobody reads, or the next request of the connection would wait behind it.
      if (this.destroyed && piece !== null) return true;
      if (this.bodyTaker === undefined) return super.push(piece, encoding);
      if (piece === null) return false;
      this.bodyTaker.take(piece);
      // A body that was given back is read as fast as its new reader takes it.
      return this.bodyTaker !== undefined || this.readableLength < this.readableHighWaterMark;
    }
  }
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
