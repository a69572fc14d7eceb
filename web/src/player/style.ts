// How a player looks where its page says nothing else: `::part(video)`, `::part(words)` and
// `::part(quality)` do.

export const STYLE = `
  :host {
    display: block;
    position: relative;
    aspect-ratio: 16 / 9;
    overflow: hidden;
    background: #101418;
    color: #e8ecef;
    font: 1rem/1.5 system-ui, sans-serif;
  }
  :host([hidden]) { display: none; }
  video { width: 100%; height: 100%; object-fit: contain; }
  video[hidden] { display: none; }
  p { position: absolute; inset: 0; display: grid; place-content: center; margin: 0; padding: 1rem; text-align: center; }
  p:empty { display: none; }
  select {
    position: absolute;
    top: 0.5rem;
    right: 0.5rem;
    padding: 0.25rem 0.5rem;
    border: 0;
    border-radius: 0.25rem;
    background: rgb(16 20 24 / 72%);
    color: inherit;
    font: inherit;
    font-size: 0.875rem;
    opacity: 0;
    transition: opacity 0.2s;
  }
  select[hidden] { display: none; }
  :host(:hover) select, select:focus-visible { opacity: 1; }
  @media (hover: none) { select { opacity: 1; } }
`;
