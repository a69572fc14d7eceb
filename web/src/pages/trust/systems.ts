// The steps to trust a certificate authority, per system.

interface Steps {
  label: string;
  steps: readonly string[];
  undo: string;
}

/** The steps by system. */
export const SYSTEMS = {
  ios: {
    label: "iPhone, iPad",
    steps: [
      "Open this page in Safari, tap Download certificate, and allow the profile.",
      "Settings → General → VPN & Device Management → Heliograph → Install.",
      "Settings → General → About → Certificate Trust Settings: switch Heliograph on.",
      "Close the tab and open the server again.",
    ],
    undo: "To undo: remove the profile under VPN & Device Management.",
  },
  android: {
    label: "Android",
    steps: [
      "Tap Download certificate.",
      "Settings → Security & privacy → More → Encryption & credentials → Install a certificate → CA certificate.",
      "Confirm the warning and choose heliograph-ca.crt.",
      "Open the server again in Chrome. Firefox has its own list: see its settings.",
    ],
    undo: "To undo: User credentials, in the same place.",
  },
  mac: {
    label: "macOS",
    steps: [
      "Download the certificate and open it: Keychain Access adds it to the login keychain.",
      "Double-click Heliograph in the list, open Trust, choose Always Trust.",
      "Close the window, confirm with your password, and reload the server.",
    ],
    undo: "To undo: delete it in Keychain Access.",
  },
  windows: {
    label: "Windows",
    steps: [
      "Download the certificate, open it, and choose Install Certificate → Current User.",
      "Place it in Trusted Root Certification Authorities.",
      "Confirm, then restart the browser.",
    ],
    undo: "To undo: certmgr.msc → Trusted Root Certification Authorities.",
  },
  linux: {
    label: "Linux",
    steps: [
      "Chromium: Settings → Privacy and security → Security → Manage certificates → Custom → Import.",
      "For the whole system on Debian: copy heliograph-ca.crt to /usr/local/share/ca-certificates and run update-ca-certificates.",
      "Reload the server.",
    ],
    undo: "To undo: remove it in the same place.",
  },
  firefox: {
    label: "Firefox",
    steps: [
      "Settings → Privacy & Security → Certificates → View Certificates → Authorities → Import.",
      "Choose heliograph-ca.crt and tick: trust this authority to identify websites.",
      "Reload the server.",
    ],
    undo: "To undo: delete it in the same list.",
  },
} as const satisfies Record<string, Steps>;

/** A system with steps. */
export type System = keyof typeof SYSTEMS;

/** The system a browser most likely runs on. */
export function guessSystem(userAgent: string): System {
  if (/iPhone|iPad/.test(userAgent)) return "ios";
  if (/Android/.test(userAgent)) return "android";
  if (/Firefox/.test(userAgent)) return "firefox";
  if (/Macintosh/.test(userAgent)) return "mac";
  if (/Windows/.test(userAgent)) return "windows";
  return "linux";
}
