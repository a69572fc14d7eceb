// A page that answers chats as a script tells it, over a real link: also what no host would say.
import { Api, Identity, Link, Revocations, Store } from '../../web/src/sdk/index';

const encode = (message) => new TextEncoder().encode(JSON.stringify(message));
const decode = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

/// What stands on the other end of the channel `llm`.
class ScriptedHost {
  /// `pieces` are the contents of every answer's deltas; `error` ends it where it is set.
  script = { models: ['tiny:1b', 'small:3b'], pieces: ['Hello'], everyMs: 20, error: null, modelsError: null };
  heard = [];
  #chats = new Map();
  #send = null;

  handleOpened(send) {
    this.#send = send;
    for (const chat of this.#chats.values()) chat.isHeard = false;
  }

  handleClosed() {
    this.#send = null;
  }

  handle(bytes) {
    const message = decode(bytes);
    this.heard.push(message);
    const { op, id } = message;
    const chat = this.#chats.get(id);
    if (op === 'models') this.#sayModels();
    else if (op === 'chat') this.#answer(id);
    else if (op === 'resume' && chat === undefined) this.say({ op: 'error', id, code: 'unknown-chat', message: 'no such chat' });
    else if (op === 'resume') this.#resume(chat, message.after);
    else if (op === 'cancel' && chat !== undefined) this.#stop(chat);
  }

  say(message) {
    void this.#send?.(encode(message));
  }

  #sayModels() {
    const { models, modelsError } = this.script;
    this.say(modelsError === null ? { op: 'models', models: models.map((name) => ({ name })) } : { op: 'error', ...modelsError });
  }

  #answer(id) {
    const { pieces, everyMs, error } = this.script;
    const last = error === null ? { op: 'done', reason: 'stop' } : { op: 'error', ...error };
    const rest = [...pieces.map((content) => ({ op: 'delta', content })), last];
    const chat = { id, said: [], isHeard: true };
    this.#chats.set(id, chat);
    chat.timer = setInterval(() => {
      const piece = { ...rest[chat.said.length], id, seq: chat.said.length + 1 };
      chat.said.push(piece);
      if (chat.isHeard) this.say(piece);
      if (chat.said.length === rest.length) clearInterval(chat.timer);
    }, everyMs);
  }

  #resume(chat, after) {
    chat.isHeard = true;
    for (const piece of chat.said.slice(after)) this.say(piece);
  }

  #stop(chat) {
    clearInterval(chat.timer);
    this.#chats.delete(chat.id);
  }
}

/// Links this page's device as the host of a pair.
window.startHost = async (pairId) => {
  const store = await Store.open();
  const identity = await Identity.load(store);
  const api = new Api({ origin: location.origin, identity });
  const pair = await store.pair(pairId);
  const host = new ScriptedHost();
  window.host = host;
  new Link({ api, identity, store, pair, revocations: new Revocations(api, store), llm: host }).start();
};
