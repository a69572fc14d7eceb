// What a host says when it does not answer (docs/llm.md, Codes), as failures that people read.
import { HelioError } from "./errors";

const START_MODEL_SERVER = "Start the model server on the device that answers, then ask again.";
const UPDATE = "Update both devices.";

/** The next step of each code. */
const NEXT_STEPS: Record<string, string> = {
  "bad-json": UPDATE,
  "bad-message": UPDATE,
  "unknown-op": UPDATE,
  "chat-exists": "Ask again.",
  "too-large": "Shorten the message.",
  "too-many-chats": "Stop another answer first, or wait until one is whole.",
  "unknown-chat": "The rest of this answer is lost. Ask again.",
  "model-not-found": "Choose another model, or load this one on the device that answers.",
  "model-not-allowed": "Choose another model, or allow this one where `helio host` was started.",
  "upstream-unreachable": START_MODEL_SERVER,
  "upstream-refused": "Look at what the model server says on the device that answers.",
  "upstream-redirect": "Start `helio host` with the address that the model server itself has.",
  "upstream-timeout": "The model may be too large for its device. Ask again, or choose another.",
  "upstream-broken": START_MODEL_SERVER,
  "answer-too-long": "Ask for a shorter answer.",
  cancelled: "It was stopped on another page of this device. Ask again.",
  abandoned: "Nobody read it for ten minutes. Ask again.",
};

/** A host's error as a failure. */
export function llmFailure(code: string, message: string): HelioError {
  return new HelioError(code, message, NEXT_STEPS[code] ?? "Ask again.");
}
