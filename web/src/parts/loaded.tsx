/** Shows what a resource holds, or that it loads, or why it could not be loaded. */
import { Match, Switch, type Accessor, type JSX, type Resource } from "solid-js";
import { Failed, Loading } from "./notice.tsx";

/** What a resource holds, or `undefined`; reading a failed one would throw. */
export const held = <T,>(resource: Resource<T>): T | undefined =>
  resource.error ? undefined : resource.latest;

export function Loaded<T>(props: {
  of: Resource<T>;
  /** "The labs", for "cannot be shown". */
  what: string;
  retry: () => void;
  rows?: number;
  children: (value: Accessor<NonNullable<T>>) => JSX.Element;
}): JSX.Element {
  return (
    <Switch fallback={<Loading label={`Loading: ${props.what}`} rows={props.rows ?? 4} />}>
      <Match when={props.of.error as unknown}>
        {(error) => (
          <Failed
            error={error()}
            what={`${props.what} cannot be shown`}
            retry={() => props.retry()}
          />
        )}
      </Match>
      <Match when={props.of.latest as NonNullable<T> | undefined}>
        {(value) => props.children(value)}
      </Match>
    </Switch>
  );
}
