// Chats with the models of a paired device (docs/llm.md): several at once, over whatever channel
// there is. An answer goes on where it was when the link is back, and each of its pieces is taken
// once. Knows messages, not channels: bytes go in and out by callbacks.
import { toBase64url, type Bytes } from "./bytes";
import { Emitter } from "./emitter";
import { asHelioError, type HelioError } from "./errors";
import {
  Answer,
  ANSWER_LIMIT,
  type ChatQuestion,
  type KeptAnswer,
  type LlmAnswer,
} from "./llm_answer";
import { llmFailure } from "./llm_failures";
import { decodeLlmReply, encodeLlmRequest, type LlmReply, type LlmRequest } from "./llm_words";

/** Random bytes of a chat's id: nobody guesses another's. */
const ID_BYTES = 16;

/** Bytes out; settles when there is room for more. */
export type SendLlmBytes = (bytes: Bytes) => Promise<void>;

/** The pieces of an answer. */
type NumberedReply = Extract<LlmReply, { seq: number }>;

export interface LlmEvents {
  /** The channel opened or closed. */
  open: boolean;
  /** More of an answer came, or it is over. */
  answer: LlmAnswer;
  /** The host said which models it has. */
  models: readonly string[];
  /** The host did not say which models it has. */
  modelsFailed: HelioError;
}

/** The chats of one link; outlives its connections. */
export class Llm extends Emitter<LlmEvents> {
  /** Answers on their way; those that are over are told once and forgotten. */
  readonly #answers = new Map<string, Answer>();
  /** Forgotten while no channel was there: the host has yet to learn of it. */
  readonly #unsaidCancels = new Set<string>();
  #send: SendLlmBytes | null = null;
  #models: readonly string[] | null = null;
  /** Messages that could not be read, dropped. */
  malformed = 0;
  /** Pieces that came twice, dropped. */
  doubled = 0;

  /** Whether the peer can be asked now. */
  get isOpen(): boolean {
    return this.#send !== null;
  }

  /** The host's models as it last said; null before. */
  get models(): readonly string[] | null {
    return this.#models;
  }

  /**
   * Asks; where no channel is there, as soon as one is.
   * @throws HelioError `too-long`.
   */
  ask(question: ChatQuestion): LlmAnswer {
    const id = toBase64url(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
    const answer = new Answer({ id, seq: 0, content: "" }, question);
    encodeLlmRequest(requestOf(answer));
    this.#answers.set(id, answer);
    if (this.isOpen) this.#begin(answer);
    return answer;
  }

  /** Goes on with an answer of an earlier visit; the question serves where it never arrived. */
  goOn(kept: KeptAnswer, question: ChatQuestion): LlmAnswer {
    const known = this.#answers.get(kept.id);
    if (known !== undefined) return known;
    const answer = new Answer(kept, question);
    answer.wasAsked = true;
    this.#answers.set(kept.id, answer);
    if (this.isOpen) this.#resume(answer);
    return answer;
  }

  /** Stops an answer, at the model as well. */
  cancel(id: string): void {
    const answer = this.#answers.get(id);
    if (answer === undefined) return;
    answer.stop();
    if (answer.wasAsked) this.forget(id);
    this.#tell(answer);
  }

  /** An answer that is over is kept here, or not wanted: the host need not remember it. */
  forget(id: string): void {
    if (this.isOpen) this.#say({ op: "cancel", id });
    else this.#unsaidCancels.add(id);
  }

  /** Asks again which models there are. */
  refreshModels(): void {
    this.#say({ op: "models" });
  }

  /** A channel is open and its keys are proven. */
  handleOpened(send: SendLlmBytes): void {
    this.#send = send;
    this.emit("open", true);
    for (const id of this.#unsaidCancels) this.#say({ op: "cancel", id });
    this.#unsaidCancels.clear();
    this.refreshModels();
    for (const answer of this.#answers.values()) {
      if (answer.wasAsked) this.#resume(answer);
      else this.#begin(answer);
    }
  }

  /** The channel is gone: what was not answered waits for the next one. */
  handleClosed(): void {
    if (!this.isOpen) return;
    this.#send = null;
    for (const answer of this.#answers.values()) answer.isResuming = false;
    this.emit("open", false);
  }

  /** Takes the bytes of one message; unreadable ones are dropped and counted. */
  handle(bytes: Bytes): void {
    let reply: LlmReply;
    try {
      reply = decodeLlmReply(bytes);
    } catch {
      this.malformed += 1;
      return;
    }
    if (reply.op === "models") {
      this.#models = reply.models;
      this.emit("models", reply.models);
    } else if (reply.op === "refused" && reply.id === null) {
      this.emit("modelsFailed", llmFailure(reply.code, reply.message));
    } else {
      // Of an answer that is over here, the host may say some more.
      const answer = this.#answers.get(reply.id ?? "");
      if (answer === undefined) return;
      if (reply.op === "refused") this.#handleRefusal(answer, reply.code, reply.message);
      else this.#handleNumbered(answer, reply);
    }
  }

  #handleNumbered(answer: Answer, reply: NumberedReply): void {
    const taken = answer.take(reply.seq, reply.op === "delta" ? reply.content : "");
    if (taken === "second") this.doubled += 1;
    else if (taken === "missing") this.#resume(answer);
    else this.#handlePiece(answer, reply);
  }

  /** The next piece; `done` and `error` are the last one. */
  #handlePiece(answer: Answer, reply: NumberedReply): void {
    if (reply.op === "error") answer.fail(llmFailure(reply.code, reply.message));
    else if (reply.op === "done") answer.finish(reply.usage);
    else if (answer.content.length > ANSWER_LIMIT) {
      answer.fail(llmFailure("answer-too-long", "the answer does not end"));
      this.forget(answer.id);
    }
    this.#tell(answer);
  }

  #handleRefusal(answer: Answer, code: string, message: string): void {
    // The question was lost with the channel that carried it, so it is asked anew.
    if (code === "unknown-chat" && answer.seq === 0) {
      answer.isResuming = false;
      return this.#begin(answer);
    }
    answer.fail(llmFailure(code, message));
    this.#tell(answer);
  }

  #begin(answer: Answer): void {
    answer.wasAsked = true;
    this.#say(requestOf(answer));
  }

  /** Asks for what is missing, once until something of it comes. */
  #resume(answer: Answer): void {
    if (answer.isResuming) return;
    answer.isResuming = true;
    this.#say({ op: "resume", id: answer.id, after: answer.seq });
  }

  #tell(answer: Answer): void {
    if (answer.isOver) this.#answers.delete(answer.id);
    this.emit("answer", answer);
  }

  #say(request: LlmRequest): void {
    this.#send?.(encodeLlmRequest(request)).catch((thrown: unknown) => {
      // A channel that closes is told by its own event.
      console.warn(`a message was not sent: ${asHelioError(thrown).message}`);
    });
  }
}

function requestOf({ id, question: { model, messages } }: Answer): LlmRequest {
  return { op: "chat", id, model, messages, stream: true };
}
