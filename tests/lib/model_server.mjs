// A model server that speaks Ollama's API over real HTTP and says a token at a set pace: no model is
// part of this project. What is asked for is in the prompt: "say 40" says 40 tokens.
import { createServer } from 'node:http';

export const token = (at) => `w${at} `;
export const answer = (tokens) => Array.from({ length: tokens }, (_, at) => token(at)).join('');

export class ModelServer {
  /// Answers that are being given.
  running = 0;
  asked = [];

  static async start({ paceMs = 10 } = {}) {
    const model = new ModelServer();
    model.paceMs = paceMs;
    model.server = createServer((request, response) => void model.#answer(request, response));
    model.server.listen(0, '127.0.0.1');
    await new Promise((done) => model.server.once('listening', done));
    model.url = `http://127.0.0.1:${model.server.address().port}`;
    return model;
  }

  async #answer(request, response) {
    if (request.url === '/api/tags') return void response.end(JSON.stringify({ models: [{ name: 'steady' }] }));
    if (request.url !== '/api/chat') return void response.writeHead(404).end('{"error":"no such path"}');
    let text = '';
    for await (const part of request) text += part;
    const body = JSON.parse(text);
    this.asked.push(body);
    if (body.model !== 'steady') {
      return void response.writeHead(404).end(JSON.stringify({ error: `model '${body.model}' not found` }));
    }
    const tokens = Number(/say (\d+)/.exec(body.messages.at(-1).content)?.[1] ?? 3);
    this.running += 1;
    let isWanted = true;
    response.once('close', () => {
      isWanted = false;
      this.running -= 1;
    });
    for (let at = 0; at < tokens && isWanted; at += 1) {
      response.write(`${JSON.stringify({ message: { role: 'assistant', content: token(at) }, done: false })}\n`);
      await new Promise((done) => setTimeout(done, this.paceMs));
    }
    response.end(`${JSON.stringify({ done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count: tokens })}\n`);
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
