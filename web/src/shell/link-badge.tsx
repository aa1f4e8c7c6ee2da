/** How the event stream is, in one word, with the truth in its title. */
import { Show, type JSX } from "solid-js";
import { brief, clockTime } from "../format.ts";
import { heardAt, link, live, now, retryNow } from "../live/store.ts";
import { Dot, type Tone } from "../parts/status.tsx";

const TONES: Record<string, Tone> = {
  live: "ok",
  connecting: "busy",
  reconnecting: "warn",
  offline: "bad",
  "signed-out": "bad",
};
const WORDS: Record<string, string> = {
  live: "Live",
  connecting: "Connecting",
  reconnecting: "Reconnecting",
  offline: "Offline",
  "signed-out": "Signed out",
};

export function LinkBadge(): JSX.Element {
  const state = () => link().state;
  const since = () => {
    now();
    return brief((Date.now() - link().since) / 1000);
  };
  const explain = () => {
    const heard = heardAt();
    const last = heard === null ? "Nothing was heard yet." : `Last heard at ${clockTime(heard)}.`;
    if (state() === "live") return "Changes arrive as they happen.";
    return `${last} What you see may be old.`;
  };
  return (
    <div class="link-badge" data-link={state()} title={explain()}>
      <Dot tone={TONES[state()] ?? "quiet"} pulse={state() === "reconnecting"} />
      <span role="status">{WORDS[state()]}</span>
      <Show when={state() === "reconnecting" || state() === "offline"}>
        <span class="dim num" data-testid="link-since">
          {since()}
        </span>
        <button type="button" class="link-retry" onClick={retryNow}>
          Retry
        </button>
      </Show>
      <Show when={!live() && heardAt()}>
        {(at) => <span class="sr-only">as of {clockTime(at())}</span>}
      </Show>
    </div>
  );
}
