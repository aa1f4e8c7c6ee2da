/** Says how old the shown state is, as soon as it is not the present any more. */
import { Show, type JSX } from "solid-js";
import { clockTime } from "../format.ts";
import { heardAt, live, loaded } from "./store.ts";
import { Icon } from "../parts/icon.tsx";

export function AsOf(): JSX.Element {
  return (
    <Show when={!live() && loaded() && heardAt()}>
      {(at) => (
        <span class="as-of num" data-testid="as-of">
          <Icon name="clock" size={13} /> as of {clockTime(at())}
        </span>
      )}
    </Show>
  );
}
