import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Sink } from "../../../proto/gen/coupon/v1/sink_pb.ts";
import { viewerZone } from "../time/zones.ts";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { Notice } from "../ui/notice.tsx";
import { ServerText } from "../views/server-text.tsx";
import { BADGES, stateOf } from "./sink-state.ts";
import { useSinkWords } from "./sink-words.ts";

export function SinkBadge({ sink }: { readonly sink: Sink }) {
  const { s } = useSinkWords();
  const state = stateOf(sink);
  return <span class={`badge ${BADGES[state]}`}>{s(`sink.state.${state}`)}</span>;
}

type InstantProps = { readonly at: Timestamp | undefined; readonly none: string };

export function Instant({ at, none }: InstantProps) {
  const { instant } = useSinkWords();
  return <span class="instant">{at === undefined ? none : instant(timestampMs(at), viewerZone())}</span>;
}

/** The last failure of the sink's deliveries, in the words of the process that delivers. */
export function LastError({ sink: { delivery } }: { readonly sink: Sink }) {
  const { s } = useSinkWords();
  if (delivery === undefined || delivery.lastError === "") return <>{s("sink.noError")}</>;
  return (
    <>
      <ServerText text={delivery.lastError} />
      <span class="quiet">
        <Instant at={delivery.lastErrorAt} none="" />
      </span>
    </>
  );
}

/** Why sinks cannot be shown or changed. */
export function SinkFailure({ error }: { readonly error: unknown }) {
  const { s } = useSinkWords();
  if (ConnectError.from(error).code === Code.Unimplemented)
    return <Notice kind="info">{s("sinks.unimplemented")}</Notice>;
  return <FailureNotice error={error} />;
}
