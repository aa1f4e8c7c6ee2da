/** The fleet's settings: whatever the API offers, as a form; saved as a whole against its revision. */
import { createMemo, createResource, createSignal, For, onCleanup, Show, type JSX } from "solid-js";
import { settings as api } from "../../api/calls.ts";
import { Problem, reasonOf } from "../../api/client.ts";
import { nameOfAuthor } from "../../api/read.ts";
import { listen } from "../../live/store.ts";
import { Ago } from "../../live/time.tsx";
import { Button } from "../../parts/button.tsx";
import { held, Loaded } from "../../parts/loaded.tsx";
import { Banner } from "../../parts/notice.tsx";
import { Panel } from "../../parts/panel.tsx";
import { tell } from "../../parts/toast.tsx";
import { may } from "../../session.ts";
import { SettingField } from "./field.tsx";
import { labelOf } from "./labels.ts";
import {
  changedPointers,
  fieldsOf,
  setAt,
  settable,
  valueAt,
  type Field,
  type Json,
} from "./fields.ts";
import "./settings.css";

type Settings = Record<string, Json>;

export function SettingsPage(): JSX.Element {
  const [saved, { refetch }] = createResource(async () => {
    const { body, etag } = await api.get();
    setDraft(null);
    setProblem(null);
    setStale(false);
    return {
      values: settable(body as Settings),
      rev: body.rev,
      at: (body.changed_at ?? body.updated_at ?? null) as string | null,
      by: nameOfAuthor(body.changed_by ?? body.updated_by),
      etag: etag ?? `"${String(body.rev ?? 0)}"`,
    };
  });
  const [draft, setDraft] = createSignal<Settings | null>(null);
  const [problem, setProblem] = createSignal<unknown>(null);
  const [stale, setStale] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  /** Grows when the fields must forget what was typed. */
  const [round, setRound] = createSignal(0);

  const values = () => draft() ?? held(saved)?.values ?? {};
  const changed = createMemo(() => changedPointers(held(saved)?.values ?? {}, values()));
  const groups = createMemo(() => {
    round();
    const fields = fieldsOf(held(saved)?.values ?? {});
    return [...Map.groupBy(fields, (field) => field.group)];
  });

  // Somebody else changed them: take it over, unless something here would be lost.
  onCleanup(
    listen((message) => {
      if (message.type !== "settings.changed" || busy()) return;
      if (message.data.rev === held(saved)?.rev) return;
      if (changed().length === 0) void refetch();
      else setStale(true);
    }),
  );

  async function save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const now = held(saved);
    if (now === undefined || busy()) return;
    setBusy(true);
    setProblem(null);
    try {
      await api.put(values(), now.etag);
      await refetch();
      tell("The settings were saved", "They take effect at once.");
    } catch (error) {
      if (error instanceof Problem && error.status === 412) setStale(true);
      else setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  const about = (field: Field) => {
    const error = problem();
    return error instanceof Problem ? error.about(field.pointer) : null;
  };
  const set = (field: Field, value: Json) =>
    setDraft(setAt(values(), field.path, value) as Settings);

  return (
    <>
      <header class="page-head">
        <h1>Settings</h1>
        <Show when={held(saved)?.at}>
          {(at) => (
            <p class="dim">
              Changed <Ago at={at()} />
              {held(saved)?.by ? ` by ${held(saved)?.by}` : ""}
            </p>
          )}
        </Show>
      </header>
      <Loaded of={saved} what="The settings" retry={() => void refetch()} rows={8}>
        {() => (
          <form class="settings stack" onSubmit={(event) => void save(event)}>
            <Show when={stale()}>
              <Banner tone="warn">
                Somebody changed the settings meanwhile.{" "}
                <button type="button" class="text-button" onClick={() => void refetch()}>
                  Load theirs and lose mine
                </button>
              </Banner>
            </Show>
            <For each={groups()}>
              {([group, fields]) => (
                <Panel title={labelOf(group).text}>
                  <div class="setting-rows">
                    <For each={fields}>
                      {(field) => (
                        <SettingField
                          field={field}
                          value={valueAt(values(), field.path)}
                          error={about(field)}
                          changed={changed().includes(field.pointer)}
                          disabled={!may("admin")}
                          set={(value) => set(field, value)}
                        />
                      )}
                    </For>
                  </div>
                </Panel>
              )}
            </For>
            <Show when={problem()}>
              <Banner tone="bad">{reasonOf(problem())}</Banner>
            </Show>
            <Show
              when={may("admin")}
              fallback={<p class="dim">Only admins can change the settings.</p>}
            >
              <div class="save-bar" data-on={changed().length > 0}>
                <span class="soft">
                  {changed().length === 0
                    ? "Nothing is changed"
                    : `${changed().length} changed, not saved`}
                </span>
                <Button
                  disabled={changed().length === 0}
                  onClick={() => {
                    setDraft(null);
                    setProblem(null);
                    setRound((n) => n + 1);
                  }}
                >
                  Discard
                </Button>
                <Button
                  type="submit"
                  kind="primary"
                  busy={busy()}
                  disabled={changed().length === 0}
                >
                  Save
                </Button>
              </div>
            </Show>
          </form>
        )}
      </Loaded>
    </>
  );
}
