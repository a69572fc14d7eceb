// The mark: a sighting mirror and its flash.

/** The mark alone. */
export function BrandMark() {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" fill="none" aria-hidden="true" focusable="false">
      <circle cx="13" cy="19" r="9" stroke="currentColor" stroke-width="2.5" />
      <circle cx="13" cy="19" r="2.25" fill="currentColor" />
      <path
        class="mark-ray"
        d="M22 10 28.5 3.5M19.5 6.5 20.5 2M25.5 12.5 30 11.5"
        stroke-width="2.75"
        stroke-linecap="round"
      />
    </svg>
  );
}

/** Mark and name, a link home. */
export function Brand() {
  return (
    <a class="brand" href="/" aria-label="Heliograph, home">
      <BrandMark />
      <span>Heliograph</span>
    </a>
  );
}
