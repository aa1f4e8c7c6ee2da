/** Shown when nobody is signed in (any more). */
import type { JSX } from "solid-js";
import { Icon } from "../../parts/icon.tsx";

export function SignedOut(): JSX.Element {
  const back = () => encodeURIComponent(location.pathname + location.search);
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name="user" size={22} />
      </span>
      <h1 class="empty-title">You are signed out</h1>
      <p class="soft">Your session has ended. Sign in to see the fleet again.</p>
      <a class="button primary" href={`/auth/login?return_to=${back()}`}>
        Sign in
      </a>
    </div>
  );
}
