// What people do on the chat page.

export class ChatPage {
  constructor({ page, context }) {
    this.page = page;
    this.context = context;
  }

  async open(server, pairId) {
    await this.page.goto(`${server.origin}/chat${pairId ? `?pair=${encodeURIComponent(pairId)}` : ''}`);
  }

  /// Waits until there is a model to ask.
  ready() {
    return this.page.getByTestId('chat-model').waitFor({ timeout: 30_000 });
  }

  /// Asks, and waits until the question stands there with room for its answer.
  async ask(text) {
    await this.page.getByTestId('chat-input').fill(text);
    await this.page.getByTestId('chat-send').click();
    await this.page.locator('[data-testid=turn-own]:nth-last-child(2)', { hasText: text }).waitFor();
  }

  get answers() {
    return this.page.getByTestId('turn-model');
  }

  /// Waits until the last answer is in a state.
  inState(state, timeout = 30_000) {
    return this.page.locator(`li:last-child[data-testid=turn-model][data-state=${state}]`).waitFor({ timeout });
  }

  text() {
    return this.answers.last().locator('.prose').innerText();
  }

  /// Waits until the last answer has so many characters.
  async grown(length) {
    await this.page.waitForFunction((wanted) => {
      const said = [...document.querySelectorAll('[data-testid=turn-model] .prose')].at(-1);
      return said !== undefined && said.innerText.length >= wanted;
    }, length, { polling: 20 });
  }

  obstacle() {
    return this.page.getByTestId('chat-obstacle');
  }

  /// The network goes and comes back; the page makes another connection.
  async cut() {
    await this.context.setOffline(true);
    await this.context.setOffline(false);
  }
}
