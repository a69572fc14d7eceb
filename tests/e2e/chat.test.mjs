// The chat page with a scripted host on another browser: what it shows, keeps and refuses.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ChatPage } from '../lib/chatting.mjs';
import { ScriptedHost } from '../lib/scripted_host.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';
import { until } from '../lib/until.mjs';

const numbers = (count) => Array.from({ length: count }, (_, at) => `${at + 1} `);
const HOSTILE = [
  '<script>window.wasRun = 1</script><img src="/icon.svg" onerror="window.wasRun = 1" onload="window.wasRun = 1">\n\n',
  'before <b onclick="window.wasRun = 1">bold</b> after\n\n',
  '[run](javascript:window.wasRun=1) [data](data:text/html,x) [good](https://example.org/)\n\n',
  '![picture](https://example.org/picture.png)\n\n',
  '```html\n<script>window.wasRun = 1</script>\n```\n\n',
  `${'> '.repeat(400)}deep\n`,
];

describe('the chat page', { timeout: 120_000 }, () => {
  let two, host, chat;

  before(async () => {
    two = await TwoDevices.pair();
    chat = new ChatPage(two.phone);
  });

  after(() => two?.close());

  test('says that the other device is not there, and opens by itself when it is', async () => {
    await chat.open(two.server, two.pairId);
    await chat.obstacle().getByText('is not there yet').waitFor();
    host = await ScriptedHost.start(two.laptop, two.server, two.pairId);
    await chat.ready();
    assert.equal(await chat.obstacle().count(), 0);
    assert.deepEqual(await chat.page.getByTestId('chat-model').locator('option').allTextContents(), ['tiny:1b', 'small:3b']);
  });

  test('shows the pieces of an answer as they come', async () => {
    await host.script({ pieces: numbers(100), everyMs: 20 });
    await chat.ask('Count to 100');
    await chat.grown(10);
    const early = await chat.text();
    assert.ok(early.length < numbers(100).join('').length, `after ${early} more was to come`);
    await chat.inState('done');
    assert.equal(await chat.text(), numbers(100).join('').trim());
  });

  test('goes on with an answer over three broken connections, with nothing lost or doubled', async (t) => {
    await host.script({ pieces: numbers(400), everyMs: 20 });
    await chat.ask('Count to 400');
    for (const cut of [1, 2, 3]) {
      await chat.grown(cut * 200);
      const start = performance.now();
      await chat.cut();
      await chat.grown((await chat.text()).length + 20);
      t.diagnostic(`cut ${cut}: more came after ${Math.round(performance.now() - start)} ms`);
    }
    await chat.inState('done');
    assert.equal(await chat.text(), numbers(400).join('').trim());
    const heard = await host.heard();
    assert.ok(heard.filter(({ op }) => op === 'resume').length >= 3, 'it said where it was');
    assert.equal(await two.phone.page.evaluate(() => window.__peerConnections.length) >= 4, true);
  });

  test('goes on with an answer when the page was reloaded midway', async () => {
    await host.script({ pieces: numbers(200), everyMs: 20 });
    await chat.ask('Count to 200');
    await chat.grown(200);
    await chat.page.reload();
    await chat.inState('done');
    assert.equal(await chat.text(), numbers(200).join('').trim());
  });

  test('takes what comes twice once, and asks for what is missing', async () => {
    await host.script({ pieces: ['a '], everyMs: 60_000 });
    await chat.ask('Slowly');
    const isAsked = ({ op, messages }) => op === 'chat' && messages.at(-1).content === 'Slowly';
    const { id } = (await until(() => host.heard(), (all) => all.some(isAsked))).find(isAsked);
    const piece = (seq, content) => host.say({ op: 'delta', id, seq, content });
    await piece(1, 'one ');
    await piece(1, 'one ');
    await piece(3, 'three ');
    await until(() => host.heard(), (all) => all.some((said) => said.op === 'resume' && said.id === id && said.after === 1));
    await piece(2, 'two ');
    await piece(2, 'two ');
    await piece(3, 'three ');
    await host.say({ op: 'done', id, seq: 4 });
    await chat.inState('done');
    assert.equal(await chat.text(), 'one two three');
  });

  test('stops an answer, and the host hears of it', async () => {
    await host.script({ pieces: numbers(5000), everyMs: 20 });
    await chat.ask('Count to 5000');
    await chat.grown(30);
    await chat.page.getByTestId('chat-stop').click();
    await chat.inState('stopped');
    const { id } = (await host.heard()).findLast(({ op }) => op === 'chat');
    await until(() => host.heard(), (all) => all.some((said) => said.op === 'cancel' && said.id === id));
  });

  test('tells why an answer broke off, and asks again', async () => {
    const error = { code: 'upstream-broken', message: 'the answer of the model server broke off' };
    await host.script({ pieces: ['So '], everyMs: 20, error });
    await chat.ask('Try');
    await chat.inState('failed');
    assert.equal(await chat.page.getByTestId('turn-failure').getAttribute('data-code'), 'upstream-broken');
    await host.script({ pieces: ['So it is.'], error: null });
    await chat.page.getByTestId('ask-again').click();
    await chat.inState('done');
    assert.equal(await chat.text(), 'So it is.');
    const { messages } = (await host.heard()).findLast(({ op }) => op === 'chat');
    assert.deepEqual(messages.at(-1), { role: 'user', content: 'Try' });
  });

  test('lets no answer become part of the page', async () => {
    await host.script({ pieces: HOSTILE, everyMs: 5 });
    await chat.ask('Attack');
    await chat.inState('done');
    const prose = chat.answers.last().locator('.prose');
    assert.equal(await prose.locator('script, img, b, iframe, [onclick], [onerror]').count(), 0);
    const links = await prose.locator('a').evaluateAll((all) => all.map((each) => each.getAttribute('href')));
    assert.deepEqual(links, ['https://example.org/', 'https://example.org/picture.png']);
    assert.equal(await chat.page.evaluate(() => window.wasRun), undefined);
    assert.match(await prose.innerText(), /<script>window.wasRun = 1<\/script>/);
  });

  test('runs chats side by side', async () => {
    await host.script({ pieces: numbers(150), everyMs: 20 });
    await chat.page.getByTestId('chat-new').click();
    await chat.ask('First');
    await chat.grown(10);
    await chat.page.getByTestId('chat-new').click();
    await chat.ask('Second');
    await chat.inState('done');
    assert.equal(await chat.text(), numbers(150).join('').trim());
    await chat.page.getByTestId('chat-list').click();
    await chat.page.getByTestId('chat-list-dialog').getByText('First').click();
    await chat.inState('done');
    assert.equal(await chat.text(), numbers(150).join('').trim());
    const chats = (await host.heard()).filter(({ op }) => op === 'chat').slice(-2);
    assert.deepEqual(chats.map(({ messages }) => messages.length), [1, 1], 'a new chat begins with its question');
  });

  test('keeps chats over a reload, until they are deleted', async () => {
    await chat.page.reload();
    await chat.ready();
    await chat.inState('done');
    const list = chat.page.getByTestId('chat-list-dialog');
    await chat.page.getByTestId('chat-list').click();
    assert.equal(await list.getByTestId('chat-talk').count(), 3);
    await list.getByTestId('delete-talk').first().click();
    await list.getByTestId('chat-talk').nth(2).waitFor({ state: 'detached' });
    await list.getByTestId('delete-all').click();
    await chat.page.getByTestId('confirm').click();
    await list.getByTestId('chat-talk').first().waitFor({ state: 'detached' });
    await chat.page.reload();
    await chat.ready();
    await chat.page.getByTestId('chat-empty').waitFor();
  });

  test('tells what the model server of the host lacks', async () => {
    const failure = { code: 'upstream-unreachable', message: 'the model server cannot be connected to' };
    await host.script({ modelsError: failure });
    await chat.page.reload();
    await chat.page.locator('[data-testid=chat-obstacle][data-code=upstream-unreachable]').waitFor();
    await host.script({ modelsError: null, models: [] });
    await chat.page.getByTestId('models-retry').click();
    await chat.obstacle().getByText('No model to ask').waitFor();
    await host.script({ models: ['tiny:1b'] });
    await chat.page.getByTestId('models-retry').click();
    await chat.ready();
  });

  test('is left without a fault in the console', () => {
    assert.deepEqual(two.phone.problems, []);
  });
});
