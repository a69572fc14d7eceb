// `<heliograph-player src="https://HOST/cam0/whep" token="CODE" controls muted>`: a stream of a
// gateway in a page of any site. One file without dependencies of its own (`/player.js`).
import { tellViewer } from "../pages/gateway/words";
import { qualities, type Quality } from "../pages/gateway/layerWords";
import type { GatewayPhase } from "../sdk/gateway_session";
import { WhepSession } from "../sdk/whep";
import { STYLE } from "./style";

/** Attributes of `<video>` that are handed on as they are. */
const HANDED_ON = ["controls", "muted"];

/**
 * A player. It begins when it has a `src` and is in a page, begins anew when `src` or `token`
 * change, and ends when it leaves the page. `phase` says how far it is (`GatewayPhase`), the event
 * `phasechange` that it changed; `stream` is what is shown. With `controls` it has a menu of the
 * picture's sizes, where there are several.
 */
export class HeliographPlayer extends HTMLElement {
  static readonly observedAttributes = ["src", "token", ...HANDED_ON];

  readonly #video = document.createElement("video");
  readonly #words = document.createElement("p");
  readonly #sizes = document.createElement("select");
  #session: WhepSession | null = null;
  #hadPicture = false;
  /** The menu as it is: one that is open is not built again without need. */
  #offered = "";

  constructor() {
    super();
    this.#video.playsInline = true;
    this.#video.autoplay = true;
    this.#video.addEventListener("loadeddata", () => {
      this.#hadPicture = true;
      this.#show();
    });
    this.#words.setAttribute("role", "status");
    this.#words.part.add("words");
    this.#video.part.add("video");
    this.#sizes.part.add("quality");
    this.#sizes.setAttribute("aria-label", "Quality");
    this.#sizes.hidden = true;
    this.#sizes.addEventListener("change", () => void this.#choose(this.#sizes.value));
    const root = this.attachShadow({ mode: "open" });
    // Not a style element: a page's content security policy may refuse those.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    root.append(this.#video, this.#words, this.#sizes);
  }

  get phase(): GatewayPhase {
    return this.#session?.state.phase ?? "idle";
  }

  get stream(): MediaStream | null {
    return this.#session?.stream ?? null;
  }

  connectedCallback(): void {
    this.#begin();
  }

  disconnectedCallback(): void {
    this.#end();
  }

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (HANDED_ON.includes(name)) {
      this.#video.toggleAttribute(name, value !== null);
      if (name === "muted") this.#video.muted = value !== null;
      this.#show();
    } else if (this.isConnected && before !== value) {
      this.#end();
      this.#begin();
    }
  }

  #begin(): void {
    const src = this.getAttribute("src");
    if (src === null || src === "" || this.#session !== null) return;
    const endpoint = new URL(src, document.baseURI).href;
    const session = new WhepSession({ endpoint, bearer: async () => this.getAttribute("token") });
    this.#session = session;
    let phase: GatewayPhase = "idle";
    session.on("state", ({ phase: now }) => {
      this.#show();
      if (now === phase) return;
      phase = now;
      this.dispatchEvent(new Event("phasechange"));
    });
    session.start();
  }

  #end(): void {
    this.#session?.close();
    this.#session = null;
    this.#hadPicture = false;
    this.#video.srcObject = null;
  }

  #show(): void {
    const session = this.#session;
    if (session === null) return;
    if (this.#video.srcObject !== session.stream) {
      this.#video.srcObject = session.stream;
      if (session.stream !== null) void this.#play();
    }
    const { state, isQuiet } = session;
    const { error } = state;
    const told = tellViewer(state, { isQuiet, hadPicture: this.#hadPicture });
    const isShown = state.phase === "open" && !isQuiet && this.#video.readyState > 0;
    const why = state.phase === "refused" && error ? ` ${error.message}. ${error.nextStep}` : "";
    this.#words.textContent = isShown ? "" : `${told.long}${why}`;
    this.#video.hidden = !isShown;
    this.#showSizes(session, isShown);
  }

  #showSizes({ layers }: WhepSession, isShown: boolean): void {
    const offered = qualities(layers);
    this.#sizes.hidden = !isShown || offered.length === 0 || !this.hasAttribute("controls");
    const shown = JSON.stringify(offered);
    if (shown !== this.#offered) {
      this.#offered = shown;
      this.#sizes.replaceChildren(...offered.map(optionOf));
    }
    this.#sizes.value = layers.pinned ?? "";
  }

  async #choose(id: string): Promise<void> {
    await this.#session?.chooseLayer(id === "" ? null : id).catch(() => this.#show());
  }

  /** With sound where the page may, else without: a person turns it on. */
  async #play(): Promise<void> {
    try {
      await this.#video.play();
    } catch {
      this.#video.muted = true;
      await this.#video.play().catch(() => undefined);
    }
  }
}

function optionOf({ value, label, isOffered }: Quality): HTMLOptionElement {
  const option = new Option(label, value);
  option.disabled = !isOffered;
  return option;
}

customElements.define("heliograph-player", HeliographPlayer);
