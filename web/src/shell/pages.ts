/** The pages of the navigation. */
import type { IconName } from "../parts/icon.tsx";

export const PAGES: readonly { page: string; to: string; text: string; icon: IconName }[] = [
  { page: "fleet", to: "/", text: "Fleet", icon: "fleet" },
  { page: "labs", to: "/labs", text: "Labs", icon: "labs" },
  { page: "jobs", to: "/jobs", text: "Jobs", icon: "jobs" },
  { page: "settings", to: "/settings", text: "Settings", icon: "settings" },
  { page: "system", to: "/system", text: "System", icon: "system" },
];
