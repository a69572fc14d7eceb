// The chat page with `helio host` on a native device, and a model server that speaks Ollama's API.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BoxAndLaptop } from '../lib/box_and_laptop.mjs';
import { ChatPage } from '../lib/chatting.mjs';
import { answer, ModelServer } from '../lib/model_server.mjs';
import { until } from '../lib/until.mjs';

/// `make soak` cuts more often.
const CUTS = Number(process.env.HELIO_CUTS ?? 3);
/// Tokens that are shown between two cuts, at least.
const BETWEEN = 40;
/// An answer as the page shows it.
const said = (tokens) => answer(tokens).trim();

describe('the chat page with a native host', { timeout: 120_000 + CUTS * 10_000 }, () => {
  let both, models, host, chat;

  before(async () => {
    models = await ModelServer.start({ paceMs: 20 });
    models.models = ['steady', 'slow'];
    both = await BoxAndLaptop.pair();
    chat = new ChatPage(both.laptop);
    host = both.box.start('host', '--llm', models.url);
    await host.fact('models');
  });

  after(async () => {
    await both?.close();
    await models?.close();
  });

  test('lists the models and shows the pieces of an answer as they come', async () => {
    await chat.open(both.server, both.pairId);
    await chat.ready();
    assert.deepEqual(await chat.page.getByTestId('chat-model').locator('option').allTextContents(), models.models);
    await chat.page.getByTestId('chat-model').selectOption('slow');
    await chat.ask('say 150');
    await chat.grown(20);
    assert.ok((await chat.text()).length < said(150).length, 'more was to come');
    await chat.inState('done');
    assert.equal(await chat.text(), said(150));
    assert.equal(models.asked.at(-1).model, 'slow');
  });

  test('goes on after broken connections, with no token lost or doubled, asked once', async (t) => {
    const asked = models.asked.length;
    const last = (CUTS + 1) * BETWEEN * 4;
    await chat.ask(`say ${last}`);
    for (let cut = 1; cut <= CUTS; cut += 1) {
      await chat.grown(said(cut * BETWEEN * 3).length);
      const start = performance.now();
      await chat.cut();
      await chat.grown((await chat.text()).length + 10);
      t.diagnostic(`cut ${cut}: more came after ${Math.round(performance.now() - start)} ms`);
    }
    await chat.inState('done', 120_000);
    assert.equal(await chat.text(), said(last));
    assert.equal(models.asked.length, asked + 1);
  });

  test('goes on when the page was reloaded midway', async () => {
    await chat.ask('say 200');
    await chat.grown(100);
    await chat.page.reload();
    await chat.inState('done');
    assert.equal(await chat.text(), said(200));
  });

  test('stops the model where the person says stop', async () => {
    await chat.ask('say 5000');
    await chat.grown(30);
    assert.equal(models.running, 1);
    await chat.page.getByTestId('chat-stop').click();
    await chat.inState('stopped');
    await until(() => models.running, (running) => running === 0);
  });

  test('tells that an answer is lost with the host that gave it, and asks the next one', async () => {
    await chat.ask('say 500');
    await chat.grown(30);
    await host.kill();
    await until(() => models.running, (running) => running === 0);
    host = both.box.start('host', '--llm', models.url);
    await chat.page.locator('li:last-child [data-testid=turn-failure][data-code=unknown-chat]').waitFor({ timeout: 60_000 });
    await chat.page.getByTestId('ask-again').click();
    await chat.inState('answering');
    await chat.page.getByTestId('chat-stop').click();
  });

  test('tells that the model server is gone, and goes on when it is back', async () => {
    await models.close();
    await chat.ask('say 10');
    await chat.page.locator('[data-testid=turn-failure][data-code=upstream-unreachable]').waitFor();
    await models.listen();
    await chat.page.getByTestId('ask-again').click();
    await chat.inState('done');
    assert.equal(await chat.text(), said(10));
  });
});
