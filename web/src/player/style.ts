// How a player looks where its page says nothing else: `::part(video)` and `::part(words)` do.

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
`;
