const TOKEN = "kubeportal.token";
const ACCEPT = "application/graphql-response+json, application/json;q=0.9";
const ENDED = "Your session has ended: sign in again.";

// The portal knows the documents by these ids, also where it runs no others
const VIEWER = "playground-viewer";
const SIGN_IN = "playground-sign-in";
const SIGN_OUT = "playground-sign-out";

/** Who is signed in, in this tab of the browser; the token leaves it only for the portal. */
export class Session {
  state = { portal: null, viewer: null, notice: "" };
  #endpoint;
  #listeners = new Set();

  constructor(endpoint) {
    this.#endpoint = endpoint;
  }

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** What a WebSocket says about us when it opens. */
  get credentials() {
    const token = this.#token;
    return token ? { Authorization: `Bearer ${token}` } : {};
  }

  /** The answer to an operation of whoever is signed in. */
  async run(operation) {
    const answer = await this.#send(operation);
    // It is no error to ask who one is with a token that the portal no longer takes
    if (this.#token && answer.data?.viewer === null) await this.restore();
    return answer;
  }

  /** Finds out who is signed in, as after the page was reloaded. */
  async restore() {
    try {
      const { portal, viewer } = await this.#ask(VIEWER);
      this.#change({ portal, viewer });
      if (!viewer) this.end();
    } catch (error) {
      this.#change({ notice: error.message });
    }
  }

  /** Throws an Error whose message says why not. */
  async signIn(username, password) {
    const { login } = await this.#ask(SIGN_IN, { input: { username, password } });
    if (!login.accessToken) throw new Error(login.errors[0].message);
    sessionStorage.setItem(TOKEN, login.accessToken);
    this.#change({ viewer: login.user, notice: "" });
  }

  async signOut() {
    try {
      await this.#ask(SIGN_OUT);
    } finally {
      this.#forget("");
    }
  }

  /** The portal no longer takes our token. */
  end() {
    if (this.#token) this.#forget(ENDED);
  }

  get #token() {
    return sessionStorage.getItem(TOKEN);
  }

  async #ask(documentId, variables) {
    const { data, errors } = await this.#send({ documentId, variables });
    if (!data) throw new Error(errors?.[0]?.message ?? "The portal does not answer.");
    return data;
  }

  async #send(operation) {
    const sent = this.credentials;
    const response = await fetch(this.#endpoint, {
      method: "POST",
      headers: { "Accept": ACCEPT, "Content-Type": "application/json", ...sent },
      body: JSON.stringify(operation),
    });
    const answer = await response.json();
    const isRefused = answer.errors?.some((error) => error.extensions?.problem);
    if (isRefused && sent.Authorization === this.credentials.Authorization) this.end();
    return answer;
  }

  #forget(notice) {
    sessionStorage.removeItem(TOKEN);
    this.#change({ viewer: null, notice });
  }

  #change(changes) {
    this.state = { ...this.state, ...changes };
    this.#listeners.forEach((listener) => listener());
  }
}
