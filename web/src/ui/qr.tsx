// A QR code as one SVG path. Always dark on white: many readers refuse inverted codes.
import { encode } from "uqr";
import { useMemo } from "preact/hooks";

/** Quiet zone in modules; ISO/IEC 18004 asks for four. */
const BORDER_MODULES = 4;

/** Shows `text` as a QR code. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => outline(text), [text]);
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      shape-rendering="crispEdges"
      role="img"
      aria-label={label}
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

/** Horizontal runs of dark modules, so that the path stays short. */
function outline(text: string): { path: string; size: number } {
  const code = encode(text, { ecc: "M", border: BORDER_MODULES });
  const runs: string[] = [];
  code.data.forEach((row, y) => {
    let start = -1;
    row.forEach((dark, x) => {
      if (dark && start < 0) start = x;
      if ((!dark || x === row.length - 1) && start >= 0) {
        const end = dark ? x + 1 : x;
        runs.push(`M${start} ${y}h${end - start}v1h${start - end}z`);
        start = -1;
      }
    });
  });
  return { path: runs.join(""), size: code.size };
}
