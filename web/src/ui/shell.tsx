// The frame of every page but the link: bar, one column, foot.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Brand } from "./brand";
import { Icon } from "./icon";
import { Toast } from "./toast";

type Place = "home" | "streams" | "settings" | "other";
type Width = "narrow" | "normal" | "code" | "wide";

interface ShellProps {
  /** Which entry of the navigation this page is; none hides the navigation. */
  at?: Place;
  width?: Width;
  children: ComponentChildren;
}

const WIDTH_CLASS: Record<Width, string> = {
  narrow: "page page-narrow",
  normal: "page",
  code: "page page-code",
  wide: "page page-wide",
};

/** Bar, main column and foot. */
export function Shell({ at, width = "normal", children }: ShellProps) {
  return (
    <>
      <header class="bar">
        <div class="bar-inner">
          <Brand />
          {at && <Navigation at={at} />}
        </div>
      </header>
      <main class={WIDTH_CLASS[width]}>{children}</main>
      <footer class="foot">
        {location.pathname !== "/trust" && <a href="/trust">Trust this server</a>}
        {location.pathname !== "/doctor" && <a href="/doctor">Doctor</a>}
      </footer>
      <Toast />
    </>
  );
}

function Navigation({ at }: { at: Place }) {
  return (
    <nav class="nav" aria-label="Main">
      <a href="/" aria-current={at === "home" ? "page" : undefined}>
        <Icon name="devices" />
        Devices
      </a>
      <a href="/streams" aria-current={at === "streams" ? "page" : undefined}>
        <Icon name="video" />
        Streams
      </a>
      <a href="/settings" aria-current={at === "settings" ? "page" : undefined}>
        <Icon name="settings" />
        Settings
      </a>
    </nav>
  );
}

/** Whether a title stood on this page before: the first needs no announcing, the page does that. */
let hadTitle = false;

/** A page's title and the sentence under it; a new step's title takes the focus, so that readers say it. */
export function Head({ title, children }: { title: string; children?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (hadTitle) heading.current?.focus();
    hadTitle = true;
  }, [title]);
  return (
    <div class="head">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children && <p class="lead">{children}</p>}
    </div>
  );
}
