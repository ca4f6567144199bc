import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "../../runtime/logger.ts";

type Result = Parameters<Parameters<SpanExporter["export"]>[1]>[0];

/** ExportResultCode.SUCCESS, of a package that is not loaded for one number. */
const SUCCESS: Result["code"] = 0;

/** Tells the log once that spans are lost, and once that they are sent again. */
export function tellingExporter(exporter: SpanExporter, logger: Logger): SpanExporter {
  let lost = 0;

  function note(count: number, { code, error }: Result): void {
    if (code === SUCCESS) {
      if (lost > 0) logger.info({ lost }, "spans are sent again");
      lost = 0;
      return;
    }
    if (lost === 0) logger.warn({ err: error }, "spans cannot be sent, and are lost");
    lost += count;
  }

  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        note(spans.length, result);
        // The processor would write the same to OpenTelemetry's own log, with each batch.
        done({ code: SUCCESS });
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
