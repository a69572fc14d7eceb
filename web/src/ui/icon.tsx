// The icon set, drawn on a 24 grid with one stroke. Icons are decoration: the label beside them speaks.
const PATHS = {
  phone:
    "M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3ZM11 18h2",
  tablet:
    "M6 3h12a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 18 21H6a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 6 3ZM11 18h2",
  laptop: "M5 5.5h14V16H5zM2.5 19h19",
  desktop: "M3 4.5h18V16H3zM9 20h6M12 16v4",
  box: "M4 8.5h16v8H4zM8 16.5v2.5M16 16.5v2.5M7.5 12.5h.01M11 12.5h6",
  video: "M3.5 7h11v10h-11zM14.5 11l6-3v8l-6-3",
  stills: "M4 7h16v12H4zM7 4h10M8 15.5l3-3.5 2.5 2.5 1.5-1.5 2.5 2.5",
  chat: "M13 5H4v11h2.5v3.5L11 16h9v-5M17.5 3l.9 2.6L21 6.5l-2.6.9-.9 2.6-.9-2.6L14 6.5l2.6-.9z",
  text: "M4 5h16v11H11l-4.5 3.5V16H4zM8 9h8M8 12h5",
  file: "M6 3.5h8l4 4v13H6zM14 3.5v4h4",
  chart: "M4 4v16h16M8 16v-4M12 16V8M16 16v-6",
  settings: "M4 7.5h9M17 7.5h3M4 16.5h3M11 16.5h9M15 5.5v4M9 14.5v4",
  devices: "M3 6h11v8H3zM2 17.5h9M16 9.5h5V20h-5z",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  checks: "M2.5 12.5 7 17l8-9M12.5 16l1 1 8-9",
  back: "M14.5 5.5 8 12l6.5 6.5",
  next: "M9.5 5.5 16 12l-6.5 6.5",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  trash: "M5 7h14M10 4h4M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  share: "M12 15V4M8 7.5 12 4l4 3.5M5 12v8h14v-8",
  warn: "M12 4 2.5 20h19zM12 10v4.5M12 17.3h.01",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 11v5M12 8h.01",
  mic: "M9.5 4.5h5v9h-5zM6 11.5a6 6 0 0 0 12 0M12 17.5V21",
  micOff:
    "M9.5 9v4.5h5M14.5 9.5v-5h-5M6 11.5a6 6 0 0 0 9.5 4.9M18 11.5a6 6 0 0 1-.5 2.3M12 17.5V21M4 4l16 16",
  speaker: "M4 9.5h4L13 5v14l-5-4.5H4zM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11",
  speakerOff: "M4 9.5h4L13 5v14l-5-4.5H4zM16.5 9.5l5 5M21.5 9.5l-5 5",
  flip: "M4 8h3l1.5-2.5h7L17 8h3v11H4zM8.5 13.5a3.5 3.5 0 0 1 6.4-2M15.5 13.5a3.5 3.5 0 0 1-6.4 2M15 9.5v2h-2M9 17.5v-2h2",
  mirror: "M12 3v18M9 7.5 4 17h5zM15 7.5l5 9.5h-5z",
  torch: "M8 3h8v4l-2 3v11h-4V10L8 7zM8 7h8M12 13v2",
  expand: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  shrink: "M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5",
  pip: "M3.5 5h17v14h-17zM12 12h6v4.5h-6z",
  camera: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7Z",
  download: "M12 4v11M8 11.5l4 4 4-4M5 20h14",
  send: "M4 12 20 4.5 15 20l-4-6.5zM11 13.5 20 4.5",
  shield: "M12 3.5 5 6v6c0 4 3 7 7 8.5 4-1.5 7-4.5 7-8.5V6zM8.5 12l2.5 2.5 4.5-5",
  shieldOff: "M12 3.5 5 6v6c0 4 3 7 7 8.5 4-1.5 7-4.5 7-8.5V6zM12 8.5V13M12 16h.01",
  key: "M14.5 4.5a5 5 0 1 0 .01 10 5 5 0 0 0-.01-10ZM11 13l-7 7M6.5 17.5 9 20M15.5 8.5h.01",
  people:
    "M9 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM3.5 19c0-3 2.5-5 5.5-5s5.5 2 5.5 5M15.5 5.5a3 3 0 0 1 0 5.5M17 14.3c2 .6 3.5 2.4 3.5 4.7",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.5V12l3 2",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.5 4v4h-4",
  stop: "M6.5 6.5h11v11h-11z",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
} as const;

/** The name of an icon in the set. */
export type IconName = keyof typeof PATHS;

/** One icon at the size of the `icon` class. */
export function Icon({ name, large = false }: { name: IconName; large?: boolean }) {
  return (
    <svg
      class={large ? "icon icon-large" : "icon"}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The icon of a device kind; an unknown kind is a box. */
export function kindIcon(kind: string): IconName {
  switch (kind) {
    case "phone":
    case "tablet":
    case "laptop":
    case "desktop":
      return kind;
    default:
      return "box";
  }
}
