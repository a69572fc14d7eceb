// A model server that speaks Ollama's API over real HTTP and says a token at a set pace: no model is
// part of this project. What is asked for is in the prompt: "say 40" says 40 tokens.
import { createServer } from 'node:http';

export const token = (at) => `w${at} `;
export const answer = (tokens) => Array.from({ length: tokens }, (_, at) => token(at)).join('');

export class ModelServer {
  /// Answers that are being given.
  running = 0;
  asked = [];
  models = ['steady'];

  static async start({ paceMs = 10 } = {}) {
    const model = new ModelServer();
    model.paceMs = paceMs;
    await model.listen(0);
    model.url = `http://127.0.0.1:${model.port}`;
    return model;
  }

  /// Also again after `close`, on the port that it had.
  async listen(port = this.port) {
    this.server = createServer((request, response) => void this.#answer(request, response));
    this.server.listen(port, '127.0.0.1');
    await new Promise((done) => this.server.once('listening', done));
    this.port = this.server.address().port;
  }

  async #answer(request, response) {
    if (request.url === '/api/tags') return void response.end(JSON.stringify({ models: this.models.map((name) => ({ name })) }));
    if (request.url !== '/api/chat') return void response.writeHead(404).end('{"error":"no such path"}');
    let text = '';
    for await (const part of request) text += part;
    const body = JSON.parse(text);
    this.asked.push(body);
    if (!this.models.includes(body.model)) {
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
