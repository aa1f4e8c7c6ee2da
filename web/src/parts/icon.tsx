/** Line icons on a 16 × 16 grid, drawn by hand so that none is downloaded. */
import type { JSX } from "solid-js";

const PATHS = {
  fleet: "M2.5 3.5h11v3.4h-11zM2.5 9.1h11v3.4h-11zM5 5.2h.01M5 10.8h.01",
  labs: "M6.2 2.5h3.6M6.9 2.5v4L3.2 12a1 1 0 0 0 .85 1.5h7.9A1 1 0 0 0 12.8 12L9.1 6.5v-4M4.8 10h6.4",
  jobs: "M8 4.5V8l2.3 1.4M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12",
  settings: "M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3",
  system: "M1.8 8.2h2.7l1.7-4.4 3 8.4 1.8-4h3.2",
  play: "M5 3.2v9.6l7.6-4.8z",
  stop: "M4.2 4.2h7.6v7.6H4.2z",
  refresh:
    "M13.2 6.5A5.5 5.5 0 0 0 3.6 4.7L2.5 6M2.5 2.8V6h3.2M2.8 9.5a5.5 5.5 0 0 0 9.6 1.8l1.1-1.3M13.5 13.2V10h-3.2",
  plus: "M8 3v10M3 8h10",
  import: "M8 2.5v7.2M5 7l3 3 3-3M2.8 11v1.5a1 1 0 0 0 1 1h8.4a1 1 0 0 0 1-1V11",
  download: "M8 2.5v7.2M5 7l3 3 3-3M3 13.5h10",
  external:
    "M9 2.8h4.2V7M13 3 7.5 8.5M11.2 9.5v2.7a1 1 0 0 1-1 1H3.8a1 1 0 0 1-1-1V5.8a1 1 0 0 1 1-1h2.7",
  search: "M7 11.8A4.8 4.8 0 1 0 7 2.2a4.8 4.8 0 0 0 0 9.6M10.6 10.6l3 3",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5 6.5 12 13 4.5",
  alert: "M8 2.2 14.2 13H1.8zM8 6.3v3.2M8 11.4h.01",
  clock: "M8 4.8V8l2 1.3M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11",
  key: "M5.2 13.3a2.9 2.9 0 1 0 0-5.8 2.9 2.9 0 0 0 0 5.8M7.3 8.4l5.9-5.9M10.4 5.3l2 2",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9",
  moon: "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8",
  auto: "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  trash: "M2.8 4.2h10.4M6 4.2V2.8h4v1.4M4.2 4.2l.6 9.3h6.4l.6-9.3M6.7 6.8v4M9.3 6.8v4",
  wipe: "M6 13.3h7.2M9 2.9l4.2 4.2-6.2 6.2H5L2.7 11a1 1 0 0 1 0-1.4z",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  up: "M4 10l4-4 4 4",
  down: "M4 6l4 4 4-4",
  right: "M6 4l4 4-4 4",
  copy: "M5.5 5.5h7.7v7.7H5.5zM10.5 5.3V2.8H2.8v7.7h2.5",
  tag: "M2.5 2.5h5L14 9l-5 5-6.5-6.5zM5.4 5.4h.01",
  user: "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8M2.8 13.4c.7-2.3 2.7-3.4 5.2-3.4s4.5 1.1 5.2 3.4",
  leave: "M6.5 2.8H3.8a1 1 0 0 0-1 1v8.4a1 1 0 0 0 1 1h2.7M10 5l3 3-3 3M12.8 8H6.3",
  keyboard: "M1.8 4h12.4v8H1.8zM4.2 6.6h.01M6.7 6.6h.01M9.3 6.6h.01M11.8 6.6h.01M5 9.4h6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon(props: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg
      class="icon"
      viewBox="0 0 16 16"
      width={props.size ?? 16}
      height={props.size ?? 16}
      aria-hidden="true"
    >
      <path d={PATHS[props.name]} />
    </svg>
  );
}
