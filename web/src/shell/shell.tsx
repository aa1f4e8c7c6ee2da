/** The frame around every page: navigation, connection, theme, messages. */
import { createEffect, createSignal, For, Show, type JSX } from "solid-js";
import type { Session } from "../api/types.ts";
import { link } from "../live/store.ts";
import { IconButton } from "../parts/button.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { complain, Toasts } from "../parts/toast.tsx";
import { SignedOut } from "../pages/login/login.tsx";
import { path, route } from "../router.ts";
import { leave, session, takeRole } from "../session.ts";
import { Keys } from "./keys.tsx";
import { LinkBadge } from "./link-badge.tsx";
import { PAGES } from "./pages.ts";
import { Palette } from "./palette.tsx";
import { cycleTheme, theme, type Theme } from "./theme.ts";
import "./shell.css";

const THEME_ICONS: Record<Theme, IconName> = { system: "auto", light: "sun", dark: "moon" };

export function Shell(props: { children: JSX.Element }): JSX.Element {
  const [finding, setFinding] = createSignal(false);
  const here = () => {
    const { page } = route();
    return page === "worker" ? "fleet" : page;
  };
  let main!: HTMLElement;
  let first = true;
  createEffect(() => {
    path();
    // A new page is announced by moving the focus to it; not on the first one.
    if (!first) main.focus({ preventScroll: true });
    first = false;
  });

  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.focus())}>
        Skip to content
      </a>
      <header class="side">
        <a class="brand" href="/" aria-label="CML Cloud Manager, fleet">
          <Mark />
          <span class="brand-name">CML Cloud Manager</span>
        </a>
        <nav class="nav" aria-label="Pages">
          <For each={PAGES}>
            {(page) => (
              <a
                href={page.to}
                class="nav-item"
                title={page.text}
                aria-current={here() === page.page ? "page" : undefined}
              >
                <Icon name={page.icon} />
                <span>{page.text}</span>
              </a>
            )}
          </For>
        </nav>
        <div class="side-foot">
          <button
            type="button"
            class="find"
            onClick={() => setFinding(true)}
            title="Find a worker or a page"
          >
            <Icon name="search" size={14} />
            <span>Find</span>
            <kbd>Ctrl K</kbd>
          </button>
          <LinkBadge />
          <div class="side-user">
            <Show when={session()}>{(who) => <Who session={who()} />}</Show>
            <IconButton
              icon={THEME_ICONS[theme()]}
              label={`Theme: ${theme()}. Change it`}
              onClick={cycleTheme}
            />
          </div>
        </div>
      </header>
      <main id="main" class="main" ref={main} tabIndex={-1}>
        <Show when={link().state !== "signed-out"} fallback={<SignedOut />}>
          {props.children}
        </Show>
      </main>
      <Toasts />
      <Keys palette={() => setFinding(true)} />
      <Show when={finding()}>
        <Palette close={() => setFinding(false)} />
      </Show>
    </div>
  );
}

const ROLES = ["viewer", "operator", "admin"];

function Who(props: { session: Session }): JSX.Element {
  return (
    <span class="who">
      <Icon name="user" size={14} />
      <span class="cut">{props.session.user?.name ?? "signed in"}</span>
      <Show
        when={props.session.mode === "dev"}
        fallback={
          <>
            <span class="dim">{props.session.role ?? "no role"}</span>
            <IconButton
              icon="leave"
              label="Sign out"
              onClick={() => leave().catch((error) => complain("You are still signed in", error))}
            />
          </>
        }
      >
        <select
          class="role"
          aria-label="Role"
          title="Dev mode: take any role"
          onChange={(event) => takeRole(event.currentTarget.value)}
        >
          <For each={ROLES}>
            {(role) => (
              <option value={role} selected={role === props.session.role}>
                {role}
              </option>
            )}
          </For>
        </select>
      </Show>
    </span>
  );
}

function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M11 11.5h10M10.8 13 15 20M21.2 13 17 20" />
      <circle cx="9" cy="11.5" r="3.2" />
      <circle cx="23" cy="11.5" r="3.2" />
      <circle cx="16" cy="22" r="3.2" />
    </svg>
  );
}
