const TOKEN = "kubeportal.token";
const ACCEPT = "application/graphql-response+json, application/json;q=0.9";
const ENDED = "Your session has ended. Sign in again.";

// Ids of trusted documents, which the portal runs even if it rejects all others
const VIEWER = "playground-viewer";
const SIGN_IN = "playground-sign-in";
const SIGN_OUT = "playground-sign-out";

/** The session of this browser tab. Its token is sent to the portal only. */
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

  /** Headers of requests, and connection parameters of WebSockets. */
  get credentials() {
    const token = this.#token;
    return token ? { Authorization: `Bearer ${token}` } : {};
  }

  /** The response to an operation of the signed-in user. */
  async run(operation) {
    const answer = await this.#send(operation);
    // With an ended session `viewer` is null, which is not an error
    if (this.#token && answer.data?.viewer === null) await this.restore();
    return answer;
  }

  /** Loads the portal and the viewer, also after a reload of the page. */
  async restore() {
    try {
      const { portal, viewer } = await this.#ask(VIEWER);
      this.#change({ portal, viewer });
      if (!viewer) this.end();
    } catch (error) {
      this.#change({ notice: error.message });
    }
  }

  /** Throws an Error with the reason of a failure. */
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

  /** Deletes a token that the portal rejects. */
  end() {
    if (this.#token) this.#forget(ENDED);
  }

  get #token() {
    return sessionStorage.getItem(TOKEN);
  }

  async #ask(documentId, variables) {
    const { data, errors } = await this.#send({ documentId, variables });
    if (!data) throw new Error(errors?.[0]?.message ?? "The portal did not return a result.");
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
    const isRejected = answer.errors?.some((error) => error.extensions?.problem);
    if (isRejected && sent.Authorization === this.credentials.Authorization) this.end();
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
