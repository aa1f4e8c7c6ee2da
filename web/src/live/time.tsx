/** Times that move by themselves, by the server's clock. */
import type { JSX } from "solid-js";
import { ago, dateTime, until } from "../format.ts";
import { now } from "./store.ts";

type At = { at: string | null | undefined };

export function Ago(props: At): JSX.Element {
  return (
    <time class="num nowrap" dateTime={props.at ?? undefined} title={dateTime(props.at)}>
      {ago(props.at, now())}
    </time>
  );
}

export function Until(props: At): JSX.Element {
  return (
    <time class="num nowrap" dateTime={props.at ?? undefined} title={dateTime(props.at)}>
      {until(props.at, now())}
    </time>
  );
}
