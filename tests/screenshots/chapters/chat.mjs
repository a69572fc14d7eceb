// The chat page in its states: nobody there, empty, answering, whole, broken off, stopped, the list.
import { ChatPage } from '../../lib/chatting.mjs';
import { ScriptedHost } from '../../lib/scripted_host.mjs';

const fitted = { whole: false };
const PIECES = `Walk from both ends, and \`swap\` until they meet. It takes **no more memory**, whatever the length.

### Python
\`\`\`python
def reverse(items):
    left, right = 0, len(items) - 1
    while left < right:
        items[left], items[right] = items[right], items[left]  # both at once, so that nothing is kept beside them
        left, right = left + 1, right - 1
\`\`\`

| Language | In place | Lines |
|:--|:--:|--:|
| Python | yes | 5 |
| Rust | yes | 1 |

1. It is *linear*
   - and leaves equal items where they were
   - [as the documentation says](https://example.org/)
2. An empty list stays empty

> A list of one is its own reverse.`.match(/\s*\S+/g);
const BROKEN = { code: 'upstream-broken', message: 'the answer of the model server broke off' };

export async function chat({ server, laptop, phone, album }) {
  const pairId = await pairOf(phone, server);
  const page = new ChatPage(phone);
  const take = (name, more = {}) => album.take(`chat-${name}`, phone.page, { ...fitted, ...more });
  await page.open(server, pairId);
  await page.obstacle().waitFor();
  await take('waiting');
  const host = await ScriptedHost.start(laptop, server, pairId);
  await page.ready();
  await take('empty', { narrow: true });

  await host.script({ pieces: ['Yes. ', 'Which ', 'one?'] });
  await page.ask('Can you help me with a list?');
  await page.inState('done');
  await host.script({ pieces: PIECES, everyMs: 100 });
  await page.ask('How do I reverse it? Please show me the code, and say what it costs.');
  await phone.page.getByTestId('code-block').waitFor();
  await take('answering');
  await page.inState('done');
  await take('whole', { narrow: true });

  await host.script({ pieces: PIECES.slice(0, 7), error: BROKEN });
  await page.ask('And backwards?');
  await page.inState('failed');
  await take('broken-off');
  await host.script({ pieces: PIECES, error: null });
  await phone.page.getByTestId('ask-again').click();
  await page.grown(40);
  await phone.page.getByTestId('chat-stop').click();
  await page.inState('stopped');
  await take('stopped');

  await phone.page.getByTestId('chat-new').click();
  await page.ask('What is for dinner with two eggs, a leek, and a surprising amount of cheese?');
  await page.inState('done');
  await phone.page.getByTestId('chat-list').click();
  await take('list', { sizes: ['phone'] });
}

async function pairOf({ page }, server) {
  await page.goto(server.origin);
  return page.getByTestId('pair-card').first().getAttribute('data-pair');
}
