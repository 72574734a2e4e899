import { find } from "./elements.js";

/** The corner of the page where one signs in and out. */
export class Account {
  viewer = null;
  #client;
  #form = find("sign-in");

  constructor(client) {
    this.#client = client;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#busy(() => this.#signIn());
    });
    find("sign-out").addEventListener("click", () => this.#busy(() => this.#signOut()));
  }

  /** Picks up the session that this tab had before it was reloaded. */
  restore() {
    return this.#busy(async () => this.#show(await this.#client.viewer()));
  }

  end() {
    this.#show(null);
    this.#say("Your session has ended: sign in again.");
  }

  async #signIn() {
    const { username, password } = this.#form.elements;
    const viewer = await this.#client.signIn(username.value, password.value);
    this.#form.reset();
    this.#show(viewer);
    find("query").focus();
  }

  async #signOut() {
    try {
      await this.#client.signOut();
    } finally {
      this.#show(null);
      this.#form.elements.username.focus();
    }
  }

  async #busy(action) {
    this.#say("");
    try {
      await action();
    } catch (error) {
      this.#say(error.message);
    }
  }

  #show(viewer) {
    this.viewer = viewer;
    this.#form.hidden = Boolean(viewer);
    find("signed-in").hidden = !viewer;
    find("viewer").textContent = viewer?.username ?? "";
    find("administrator").hidden = !viewer?.isAdmin;
  }

  #say(message) {
    find("account-message").textContent = message;
  }
}
