import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useMemo, useState } from "preact/hooks";
import {
  type CouponRedemptions as Recorded,
  RedemptionState,
  type VoidChange,
} from "../../../../proto/gen/coupon/v1/redemption_pb.ts";
import { useWords } from "../../i18n/language.tsx";
import type { PlainKey } from "../../i18n/words.ts";
import { useStore } from "../../session/store.ts";
import { actorStore } from "../../session/typed-before.ts";
import { viewerZone } from "../../time/zones.ts";
import { Button } from "../../ui/button.tsx";
import { FailureNotice } from "../../ui/failure-notice.tsx";
import { Field } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Table } from "../../ui/table.tsx";
import { createAskedCall } from "../call-state.ts";
import { useDenied } from "../denied.ts";
import { useRedemptionsApi } from "./redemptions-api.ts";

type Changed = { readonly redemptions?: Recorded | undefined };

const STATES: Readonly<Partial<Record<RedemptionState, PlainKey>>> = {
  [RedemptionState.RESERVED]: "coupon.reserved",
  [RedemptionState.CONFIRMED]: "coupon.confirmed",
  [RedemptionState.CANCELLED]: "coupon.cancelled",
  [RedemptionState.EXPIRED]: "coupon.expired",
};

/** How a code was redeemed, and whether it is void, when an operator asks; and the change of that. */
export function CouponRedemptions({ code }: { readonly code: string }) {
  const { t } = useWords();
  const api = useRedemptionsApi();
  const denied = useDenied("GetCouponRedemptions");
  const call = useMemo(() => createAskedCall<Recorded | undefined>(), []);
  const [reason, setReason] = useState("");
  const { busy, answer, error } = useStore(call.state);

  const noting = <T,>(asked: Promise<T>): Promise<T> =>
    asked.catch((failed: unknown) => {
      denied.note(failed);
      throw failed;
    });
  const look = () => call.ask(async () => (await noting(api.getCouponRedemptions({ code }))).redemptions);
  const change = (voided: boolean) =>
    call.ask(async () => {
      const request = { code, reason, actor: actorStore.get() };
      const changing: Promise<Changed> = voided ? api.unvoidCoupon(request) : api.voidCoupon(request);
      const changed = await noting(changing);
      setReason("");
      return changed.redemptions;
    });

  if (answer === undefined)
    return (
      <>
        {error === undefined ? null : <FailureNotice error={error} />}
        <Button busy={busy} disabledBecause={denied.because} onClick={() => void look()}>
          {t("coupon.showRedemptions")}
        </Button>
      </>
    );
  const { voided } = answer;
  return (
    <section>
      <h3>{t("coupon.redemptions")}</h3>
      <Redemptions recorded={answer} />
      <Notice kind={voided ? "warning" : "info"}>{t(voided ? "coupon.isVoid" : "coupon.isValid")}</Notice>
      <VoidChanges changes={answer.voidChanges} />
      {error === undefined ? null : <FailureNotice error={error} />}
      <Field label={t("coupon.reason")} hint={t("coupon.reasonHint")}>
        {(ids) => (
          <input
            {...ids}
            type="text"
            autocomplete="off"
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        )}
      </Field>
      <Button kind={voided ? "plain" : "danger"} busy={busy} onClick={() => void change(voided)}>
        {t(voided ? "coupon.unvoid" : "coupon.void")}
      </Button>
    </section>
  );
}

function Redemptions({ recorded: { redemptions } }: { readonly recorded: Recorded }) {
  const { t, instant } = useWords();
  if (redemptions.length === 0) return <p class="quiet">{t("coupon.redemptionsNone")}</p>;
  return (
    <Table
      caption={t("coupon.redemptions")}
      rows={redemptions}
      keyOf={({ key }) => key}
      columns={[
        {
          title: t("coupon.redemptionState"),
          isHead: true,
          cell: ({ state }) => {
            const key = STATES[state];
            return key === undefined ? String(state) : t(key);
          },
        },
        { title: t("coupon.redemptionKey"), cell: ({ key }) => <span class="id">{key}</span> },
        { title: t("coupon.redemptionRedeemer"), cell: ({ redeemer }) => redeemer },
        {
          title: t("coupon.redemptionAt"),
          cell: ({ endedAt, expiresAt, reservedAt }) => {
            const at = endedAt ?? reservedAt ?? expiresAt;
            return at === undefined ? "–" : instant(timestampMs(at), viewerZone());
          },
        },
      ]}
    />
  );
}

function VoidChanges({ changes }: { readonly changes: readonly VoidChange[] }) {
  const { t, instant } = useWords();
  if (changes.length === 0) return null;
  return (
    <Table
      caption={t("coupon.voidChanges")}
      rows={changes.map((change, index) => ({ ...change, index }))}
      keyOf={({ index }) => index}
      columns={[
        {
          title: t("coupon.redemptionState"),
          isHead: true,
          cell: ({ voided }) => t(voided ? "coupon.voided" : "coupon.unvoided"),
        },
        { title: t("history.actor"), cell: ({ actor }) => actor },
        { title: t("coupon.reason"), cell: ({ reason }) => reason || "–" },
        {
          title: t("coupon.redemptionAt"),
          cell: ({ at }) => (at === undefined ? "–" : instant(timestampMs(at), viewerZone())),
        },
      ]}
    />
  );
}
