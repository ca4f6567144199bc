import type { JsonWriteOptions } from "@bufbuild/protobuf";

/**
 * The same JSON as the API's own, with zero counts and empty texts written out, so that a script always finds
 * its field.
 */
export const jsonOptions: Partial<JsonWriteOptions> = { alwaysEmitImplicit: true };
