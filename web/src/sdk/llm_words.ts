// The words of the channel `llm` (docs/llm.md): one JSON object a message, with their limits.
import { utf8, type Bytes } from "./bytes";
import { HelioError } from "./errors";

/** Largest message of the channel, in bytes. */
export const LLM_MESSAGE_LIMIT_BYTES = 64 * 1024;
/** Most messages of a conversation that a host reads. */
export const CONVERSATION_LIMIT = 512;
/** Models taken of a list. */
export const MODELS_LIMIT = 256;

/** Longest name of a model, code of an error, and sentence of one, in UTF-16 units. */
const NAME_LIMIT = 256;
const CODE_LIMIT = 64;
const SENTENCE_LIMIT = 2000;

/** One turn of a conversation, as models read it. */
export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

/** What an answer cost, as far as the upstream tells. */
export interface ChatUsage {
  promptTokens?: number;
  completionTokens?: number;
}

/** What a page says. */
export type LlmRequest =
  | { op: "chat"; id: string; model: string; messages: readonly ChatMessage[]; stream: true }
  | { op: "cancel"; id: string }
  | { op: "resume"; id: string; after: number }
  | { op: "models" };

/** What a host says. */
export type LlmReply =
  | { op: "delta"; id: string; seq: number; content: string }
  | { op: "done"; id: string; seq: number; usage: ChatUsage }
  /** The last piece of an answer. */
  | { op: "error"; id: string; seq: number; code: string; message: string }
  /** A request was refused; without `id` one that was no message of a chat. */
  | { op: "refused"; id: string | null; code: string; message: string }
  | { op: "models"; models: readonly string[] };

function malformed(what: string): HelioError {
  return new HelioError("bad-frame", `llm message: ${what}`, "Update both devices.");
}

/**
 * The bytes of a request; of a conversation that does not fit, without its oldest turns.
 * @throws HelioError `too-long` where not even the newest turn fits.
 */
export function encodeLlmRequest(request: LlmRequest): Bytes {
  if (request.op !== "chat") return utf8(JSON.stringify(request));
  let messages = request.messages.slice(-CONVERSATION_LIMIT);
  for (;;) {
    const bytes = utf8(JSON.stringify({ ...request, messages }));
    if (bytes.length <= LLM_MESSAGE_LIMIT_BYTES) return bytes;
    if (messages.length <= 1) throw tooLong(bytes.length);
    messages = messages.slice(1);
  }
}

function tooLong(bytes: number): HelioError {
  const limit = `${LLM_MESSAGE_LIMIT_BYTES / 1024} KiB`;
  const message = `the message takes ${Math.ceil(bytes / 1024)} KiB, the limit is ${limit}`;
  return new HelioError("too-long", message, "Shorten it.");
}

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null ? (value as Fields) : null;
}

function textOf(value: unknown, what: string, limit = LLM_MESSAGE_LIMIT_BYTES): string {
  if (typeof value !== "string" || value.length > limit) throw malformed(`no ${what}`);
  return value;
}

function seqOf(value: unknown): number {
  const isSeq = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  if (!isSeq) throw malformed("no seq");
  return value;
}

function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function usageOf(value: unknown): ChatUsage {
  const usage = fieldsOf(value) ?? {};
  const promptTokens = countOf(usage["promptTokens"]);
  const completionTokens = countOf(usage["completionTokens"]);
  return {
    ...(promptTokens === undefined ? {} : { promptTokens }),
    ...(completionTokens === undefined ? {} : { completionTokens }),
  };
}

/** The names of models, without what is no name. */
function modelsOf(value: unknown): string[] {
  if (!Array.isArray(value)) throw malformed("no models");
  const isName = (name: unknown): name is string =>
    typeof name === "string" && name !== "" && name.length <= NAME_LIMIT;
  const models: unknown[] = value.slice(0, MODELS_LIMIT);
  return models.map((model) => fieldsOf(model)?.["name"]).filter(isName);
}

/** Reads what a host says. @throws HelioError `bad-frame`. */
export function decodeLlmReply(bytes: Bytes): LlmReply {
  if (bytes.length > LLM_MESSAGE_LIMIT_BYTES) throw malformed(`${bytes.length} bytes`);
  let fields: Fields | null;
  try {
    fields = fieldsOf(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    throw malformed("no JSON");
  }
  if (fields === null) throw malformed("no object");
  const id = fields["id"];
  switch (fields["op"]) {
    case "delta": {
      const content = textOf(fields["content"], "content");
      return { op: "delta", id: textOf(id, "id"), seq: seqOf(fields["seq"]), content };
    }
    case "done": {
      const usage = usageOf(fields["usage"]);
      return { op: "done", id: textOf(id, "id"), seq: seqOf(fields["seq"]), usage };
    }
    case "error": {
      const code = textOf(fields["code"], "code", CODE_LIMIT);
      const message = textOf(fields["message"], "message").slice(0, SENTENCE_LIMIT);
      const seq = fields["seq"];
      if (seq === undefined) {
        return { op: "refused", id: id === undefined ? null : textOf(id, "id"), code, message };
      }
      return { op: "error", id: textOf(id, "id"), seq: seqOf(seq), code, message };
    }
    case "models":
      return { op: "models", models: modelsOf(fields["models"]) };
    default:
      throw malformed("an unknown op");
  }
}
