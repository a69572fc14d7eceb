// A laptop's model, asked from another native device: on the command line, and by programs that
// know Ollama or OpenAI and nothing of us; and what a stop and a revocation end.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { answer, ModelServer } from '../lib/model_server.mjs';
import { ended, NativeDevice, pairNatives } from '../lib/native.mjs';
import { Server } from '../lib/server.mjs';

const PYTHON = new URL('../.venv/bin/python', import.meta.url).pathname;

describe('a model over a link', { timeout: 120_000 }, () => {
  let server, model, laptop, tablet, host;

  before(async () => {
    server = await Server.start();
    model = await ModelServer.start();
    laptop = new NativeDevice('laptop');
    tablet = new NativeDevice('tablet');
    await ended(laptop.pair(server.setupLink()), 'set-up');
    await pairNatives(laptop, tablet);
    host = laptop.start('host', '--llm', model.url);
    await host.fact('hosting');
  });

  after(async () => {
    for (const each of [laptop, tablet, model, server]) await each?.close();
  });

  const texts = (run) => run.facts.filter(({ event }) => event === 'text').map(({ text }) => text);

  test('answers on the command line, token by token', async () => {
    const run = tablet.start('chat', 'laptop', 'say 40');
    const { usage } = await run.fact('done');
    assert.equal((await run.end()).code, 0);
    assert.equal(texts(run).join(''), answer(40));
    assert.ok(texts(run).length > 10, `${texts(run).length} parts`);
    assert.deepEqual(usage, { promptTokens: 5, completionTokens: 40 });
  });

  test('remembers what was said before, and is refused what there is not', async () => {
    const run = tablet.start('chat', 'laptop');
    run.type('say 2');
    await run.fact('done');
    run.type('say 1');
    await run.fact('done');
    const roles = model.asked.at(-1).messages.map(({ role }) => role);
    assert.deepEqual(roles, ['user', 'assistant', 'user']);
    await run.kill();
    const none = tablet.start('chat', 'laptop', 'Hello', '--model', 'none');
    const { code, errors } = await none.end();
    assert.equal(code, 3);
    assert.match(errors, /model-not-found/);
  });

  test('is stopped at the model server when the one who asked is', async () => {
    const run = tablet.start('chat', 'laptop', 'say 100000');
    await run.fact('text');
    assert.equal(model.running, 1);
    run.child.kill('SIGINT');
    assert.equal((await run.end()).code, 0);
    for (const deadline = Date.now() + 20_000; model.running > 0; await new Promise((done) => setTimeout(done, 50))) {
      assert.ok(Date.now() < deadline, 'the model server is told');
    }
  });

  describe('through the proxy', () => {
    let proxy, url;

    before(async () => {
      proxy = tablet.start('proxy', 'laptop', '--listen', '127.0.0.1:0');
      url = `http://${(await proxy.fact('serving')).address}`;
    });

    after(() => proxy?.kill());

    const python = async (program) => (await promisify(execFile)(PYTHON, ['-c', program])).stdout;

    test('the unmodified client of Ollama streams', async () => {
      const told = await python(`
import ollama
client = ollama.Client(host='${url}')
print([model.model for model in client.list().models])
parts = [part for part in client.chat(model='steady', messages=[{'role': 'user', 'content': 'say 30'}], stream=True)]
print(len(parts) > 10, parts[-1].done, parts[-1].eval_count)
print(''.join(part.message.content for part in parts))
print(client.chat(model='steady', messages=[{'role': 'user', 'content': 'say 3'}]).message.content)
try:
    client.chat(model='none', messages=[{'role': 'user', 'content': 'x'}])
except ollama.ResponseError as error:
    print(error.status_code)
`);
      assert.equal(told, `['steady']\nTrue True 30\n${answer(30)}\n${answer(3)}\n404\n`);
    });

    test('the unmodified client of OpenAI streams', async () => {
      const told = await python(`
import openai
client = openai.OpenAI(base_url='${url}/v1', api_key='none')
print([model.id for model in client.models.list()])
stream = client.chat.completions.create(model='steady', messages=[{'role': 'user', 'content': 'say 30'}], stream=True, stream_options={'include_usage': True})
parts = list(stream)
print(len(parts) > 10, parts[-1].usage.completion_tokens)
print(''.join(part.choices[0].delta.content or '' for part in parts if part.choices))
whole = client.chat.completions.create(model='steady', messages=[{'role': 'user', 'content': [{'type': 'text', 'text': 'say 3'}]}])
print(whole.choices[0].message.content, whole.choices[0].finish_reason)
try:
    client.chat.completions.create(model='none', messages=[{'role': 'user', 'content': 'x'}])
except openai.NotFoundError as error:
    print(error.code)
`);
      assert.equal(told, `['steady']\nTrue 30\n${answer(30)}\n${answer(3)} stop\nmodel-not-found\n`);
    });

    const status = (path, headers, method = 'GET') => new Promise((done, failed) => {
      const asked = request(`${url}${path}`, { method, headers }, (response) => {
        response.resume();
        done(response.statusCode);
      });
      asked.once('error', failed).end();
    });

    test('pages of other sites and other paths are refused', async () => {
      assert.equal(await status('/api/tags', {}), 200);
      assert.equal(await status('/api/tags', { host: 'evil.example' }), 403);
      assert.equal(await status('/api/tags', { origin: 'https://evil.example' }), 403);
      assert.equal(await status('/api/tags', { 'sec-fetch-site': 'cross-site' }), 403);
      assert.equal(await status('/api/delete', {}, 'DELETE'), 404);
      assert.equal(await status('/api/pull', {}, 'POST'), 404);
    });
  });

  test('ends at the model server when the pair is revoked mid-answer', async () => {
    const run = tablet.start('chat', 'laptop', 'say 100000');
    await run.fact('text');
    const [{ pairId }] = tablet.list('pairs').pairs;
    server.order('pairs', 'revoke', pairId);
    assert.equal((await run.end()).code, 3);
    for (const deadline = Date.now() + 20_000; model.running > 0; await new Promise((done) => setTimeout(done, 50))) {
      assert.ok(Date.now() < deadline, 'the model server is told');
    }
  });
});
