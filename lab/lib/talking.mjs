// Texts that count, each way, on the link of two devices of any sort: whatever is lost, doubled or
// late shows. Every text is acknowledged and sent again until it is.

/// Runs in a link page whose texts are shown: notes those that come, and says some.
export function prepareTalking() {
  const now = () => performance.timeOrigin + performance.now();
  const find = (id) => document.querySelector(`[data-testid=${id}]`);
  const talk = { said: [], came: [], failed: [] };
  window.__talk = talk;
  // Five hundred texts that are laid out anew twenty times a second would be what is measured.
  const unseen = new CSSStyleSheet();
  unseen.replaceSync('.talk-list { display: none }');
  document.adoptedStyleSheets.push(unseen);
  const isOfPeer = (node) => node.matches('[data-testid=text-item][data-from=peer]');
  new MutationObserver((changes) => {
    for (const { target } of changes.filter(({ type }) => type === 'attributes')) {
      if (target.matches('[data-testid=text-item][data-from=self][data-state=failed]')) talk.failed.push(Number(target.querySelector('.message-text').textContent));
    }
    // The first text of a conversation comes with the list that it is in.
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => node instanceof HTMLElement);
    for (const node of added.flatMap((each) => [each, ...each.querySelectorAll('*')]).filter(isOfPeer)) {
      talk.came.push({ number: Number(node.querySelector('.message-text').textContent), at: now() });
    }
  }).observe(document.body, { subtree: true, childList: true, attributeFilter: ['data-state'] });
  const setValue = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;
  window.__startTalking = (everyMs) => {
    let isSilent = false;
    const timer = setInterval(async () => {
      setValue.call(find('text-input'), String(talk.said.length));
      find('text-input').dispatchEvent(new Event('input', { bubbles: true }));
      await new Promise(requestAnimationFrame);
      // A link that is not open takes no text.
      if (isSilent || find('text-send').disabled || find('text-input').value !== String(talk.said.length)) return;
      find('text-send').click();
      talk.said.push(now());
    }, everyMs);
    window.__stopTalking = () => {
      isSilent = true;
      clearInterval(timer);
    };
  };
}

/// Starts on both devices and waits until each has heard the other.
export async function bothWays(devices, everyMs) {
  await Promise.all(devices.map((device) => device.prepareTalking()));
  await Promise.all(devices.map((device) => device.startTalking(everyMs)));
  await Promise.all(devices.map((device) => device.hasHeard(0)));
}

/// Waits until something that was said after `since` has come, both ways. Returns when the later
/// of the two came.
export async function heardAfter([left, right], since) {
  const arrival = async (speaker, hearer) => hearer.hasHeard(await speaker.saidAfter(since));
  return Math.max(...await Promise.all([arrival(left, right), arrival(right, left)]));
}

/// Ends the talk and says what became of it, both ways together. A text is resent for three seconds;
/// one that did not arrive in them is `failed` where its sender was told so, and else `lost`.
export async function settle(devices) {
  const said = await Promise.all(devices.map((device) => device.stopTalking()));
  const came = await Promise.all(devices.map((device, i) => device.allHeard(said[1 - i])));
  const told = await Promise.all(devices.map((device) => device.failed()));
  const total = said[0] + said[1];
  const distinct = came.reduce((sum, numbers) => sum + new Set(numbers).size, 0);
  const all = came.reduce((sum, numbers) => sum + numbers.length, 0);
  const failed = told.reduce((sum, numbers, i) => sum + numbers.filter((number) => !came[1 - i].includes(number)).length, 0);
  return { total, failed, lost: total - distinct - failed, doubled: all - distinct };
}
