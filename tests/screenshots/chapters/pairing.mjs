// An invite that is refused, one whose words are chosen wrongly, and one that succeeds.
const inState = (page, testid, state) => page.locator(`[data-testid=${testid}][data-state=${state}]`).waitFor();

async function invite(page, server) {
  await page.goto(`${server.origin}/invite`);
  await inState(page, 'invite', 'waiting');
  return page.getByTestId('invite-link').inputValue();
}

/// Which of the three sets the other screen shows.
async function rightSet(laptopPage, phonePage) {
  const words = await phonePage.getByTestId('words-shown').getAttribute('data-words');
  for (const index of [0, 1, 2]) {
    const set = await laptopPage.getByTestId(`words-set-${index}`).locator('span').allTextContents();
    if (set.join(' ') === words) return index;
  }
  throw new Error(`no set is "${words}"`);
}

async function choose(page, index) {
  await page.getByTestId(`words-set-${index}`).click();
  await page.getByTestId('words-confirm').click();
}

/// Follows a link; a hash alone does not load a page anew.
async function open(page, url) {
  await page.goto('about:blank');
  await page.goto(url);
}

export async function pairing({ server, laptop, phone, album }) {
  const [inviter, joiner] = [laptop.page, phone.page];
  await open(joiner, `${server.origin}/p#1.half-a-link`);
  await joiner.getByTestId('join-failure').waitFor();
  await album.take('join-broken', joiner);

  await open(joiner, await invite(inviter, server));
  await album.take('invite', inviter, { narrow: true });
  await joiner.getByTestId('join-name').fill("Ada's phone");
  await joiner.getByTestId('join-kind-phone').check();
  await album.take('join', joiner);
  await joiner.getByTestId('join-submit').click();
  await inState(inviter, 'invite', 'choosing');
  await inState(joiner, 'join', 'showing');
  await album.take('join-words', joiner, { narrow: true });
  const right = await rightSet(inviter, joiner);
  await inviter.getByTestId(`words-set-${right}`).click();
  await album.take('invite-words', inviter, { narrow: true });
  await choose(inviter, (right + 1) % 3);
  await inState(inviter, 'invite', 'failed');
  await album.take('invite-wrong-words', inviter);
  await inState(joiner, 'join', 'failed');
  await album.take('join-wrong-words', joiner);

  await open(joiner, await invite(inviter, server));
  await joiner.getByTestId('join-submit').waitFor();
  await album.take('join-known', joiner);
  await joiner.getByTestId('join-submit').click();
  await inState(inviter, 'invite', 'choosing');
  await inState(joiner, 'join', 'showing');
  await choose(inviter, await rightSet(inviter, joiner));
  await inviter.getByTestId('paired').waitFor();
  await joiner.getByTestId('paired').waitFor();
  await album.take('invite-paired', inviter);
  await album.take('join-paired', joiner);
}
