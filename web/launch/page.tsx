import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Clock, Marks } from "./clock.tsx";
import { copyTextOf } from "./copy-text.ts";
import { CodeCheck, CouponStage } from "./coupon-panel.tsx";
import { LANGUAGES } from "./languages.ts";
import { countsUsers, type LaunchState, needsToken, type Scene, sceneOf } from "./scene.ts";
import { Sign } from "./sign.tsx";
import { useKeptFocus } from "./use-kept-focus.ts";
import type { Words } from "./words.ts";

export type PageProps = {
  readonly state: LaunchState;
  readonly words: Words;
  readonly choose: (words: Words) => void;
  readonly press: () => void;
  readonly setUser: (user: string) => void;
};

/** A press that comes so soon after the coupon was meant for the claim. */
const COPY_AFTER_MS = 1_000;

export function Page({ state, words, choose, press, setUser }: PageProps) {
  const scene = sceneOf(state);
  const [title, text] = words.scenes[scene.name];
  const [copied, setCopied] = useState<boolean>();
  const [isMissing, setMissing] = useState(false);
  const codeRef = useRef<HTMLParagraphElement>(null);
  const userRef = useRef<HTMLInputElement>(null);
  const buttonRef = useRef<HTMLButtonElement>(null);
  const titleRef = useRef<HTMLHeadingElement>(null);
  useKeptFocus(userRef, buttonRef, titleRef);
  const shownAtMs = useRef(0);
  useEffect(() => {
    shownAtMs.current = performance.now();
    document.title = `${title} · ${words.page}`;
  }, [title, words]);
  useEffect(() => {
    document.documentElement.lang = words.lang;
  }, [words]);

  function act(): void {
    if (scene.button === "none" || scene.button === "waiting") return;
    if (scene.button === "copy") {
      if (performance.now() - shownAtMs.current < COPY_AFTER_MS || codeRef.current === null) return;
      void copyTextOf(codeRef.current).then(setCopied);
      return;
    }
    if (scene.asksUser) {
      const user = userRef.current?.value.trim() ?? "";
      setMissing(user === "");
      if (user === "") {
        userRef.current?.focus();
        return;
      }
      setUser(user);
    }
    press();
  }

  const { campaign, coupon, user, hasToken } = state;
  const start = campaign?.kind === "campaign" ? campaign : undefined;
  return (
    <>
      <header>
        <p class="page">{words.page}</p>
        {LANGUAGES.filter((other) => other !== words).map((other) => (
          <button
            class="plain"
            type="button"
            lang={other.lang}
            key={other.lang}
            onClick={() => choose(other)}
          >
            {other.ownName}
          </button>
        ))}
      </header>
      <main class={scene.tone}>
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            act();
          }}
        >
          <div class="stage">
            {scene.stage === "clock" && (
              <Clock words={words} millisToStart={start?.millisToStart} startsAt={start?.startsAt} />
            )}
            {scene.stage === "sign" && <Sign tone={scene.tone} isBusy={scene.button === "waiting"} />}
            {scene.stage === "coupon" && coupon && <CouponStage {...{ words, coupon, codeRef }} />}
          </div>
          <div class="message" role="status">
            <h1 tabIndex={-1} ref={titleRef}>
              {title}
            </h1>
            <p>{text}</p>
          </div>
          <div class="slot">
            {scene.asksUser && (
              <div class="field">
                <label for="user-id">{words.userId}</label>
                <input
                  id="user-id"
                  ref={userRef}
                  defaultValue={user}
                  autocomplete="username"
                  autocapitalize="none"
                  spellcheck={false}
                  maxLength={128}
                  aria-describedby="user-id-told"
                  aria-invalid={isMissing}
                />
                <p class="told wrong" id="user-id-told" role="status">
                  {isMissing ? words.userIdMissing : null}
                </p>
              </div>
            )}
            {coupon && <CodeCheck words={words} code={coupon.code} key={coupon.code} />}
          </div>
          <Button {...{ scene, words, buttonRef }} />
          <p class="under">
            {copied !== undefined && coupon ? (
              <span role="status">{copied ? words.copied : words.selected}</span>
            ) : (
              start &&
              user !== "" &&
              !scene.asksUser &&
              (hasToken || (countsUsers(start) && !needsToken(start))) && (
                <>
                  <bdi>{words.isFor(user)}</bdi>
                  {hasToken ? null : (
                    <button class="plain" type="button" onClick={() => setUser("")}>
                      {words.change}
                    </button>
                  )}
                </>
              )
            )}
          </p>
        </form>
      </main>
      <Marks words={words} millisToStart={scene.stage === "clock" ? start?.millisToStart : undefined} />
    </>
  );
}

type ButtonProps = {
  readonly scene: Scene;
  readonly words: Words;
  readonly buttonRef: RefObject<HTMLButtonElement | null>;
};

/** It is never disabled, so that it keeps the focus; what it must not do, it ignores. */
function Button({ scene, words, buttonRef }: ButtonProps) {
  if (scene.button === "none") return <div class="no-button" />;
  const isWaiting = scene.button === "waiting";
  return (
    <button
      class="main"
      type="submit"
      ref={buttonRef}
      aria-disabled={isWaiting}
      onKeyDown={(event) => {
        // A key that is held is one press.
        if (event.repeat) event.preventDefault();
      }}
    >
      {words.buttons[scene.button]}
    </button>
  );
}
