// The dialect's phases in words.
import type { RegisterPhase } from "../../sdk";

/** One or two words for the bar. */
export function phaseWord(phase: RegisterPhase, isConnected: boolean): string {
  switch (phase) {
    case "idle":
    case "closed":
      return "Not in the room";
    case "connecting":
      return "Entering the room";
    case "registered":
      return isConnected ? "Connected" : "In the room";
    case "reconnecting":
      return "Reconnecting";
    case "refused":
      return "Refused";
  }
}
