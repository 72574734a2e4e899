const ENDPOINT = "graphql";
const TOKEN = "kubeportal.playground.token";
const ACCEPT = "application/graphql-response+json, application/json;q=0.9";

const VIEWER = "query Viewer { viewer { databaseId username firstName isAdmin } }";

const SIGN_IN = `mutation SignIn($input: LoginInput!) {
  login(input: $input) {
    accessToken
    user { databaseId username firstName isAdmin }
    errors { message }
  }
}`;

const SIGN_OUT = "mutation SignOut { logout { errors { message } } }";

/** Speaks to the portal for whoever is signed in; the token leaves the tab only in a header. */
export class Client {
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  get #token() {
    return this.#storage.getItem(TOKEN);
  }

  /** One operation; `sessionEnded` says that the portal no longer takes our token. */
  async run(operation, signal) {
    const token = this.#token;
    const started = performance.now();
    const response = await fetch(ENDPOINT, {
      method: "POST",
      headers: {
        "Accept": ACCEPT,
        "Content-Type": "application/json",
        ...(token && { "Authorization": `Bearer ${token}` }),
      },
      body: JSON.stringify(operation),
      signal,
    });
    const text = await response.text();
    const milliseconds = Math.round(performance.now() - started);
    const answer = parsed(text);
    const sessionEnded = Boolean(token) && isRefused(answer);
    if (sessionEnded) this.#forget();
    return { status: response.status, milliseconds, text, answer, sessionEnded };
  }

  /** The data of an operation that must succeed. */
  async ask(query, variables) {
    const { status, answer } = await this.run({ query, variables });
    const problem = answer?.errors?.[0]?.message;
    if (problem || !answer?.data) throw new Error(problem ?? `The portal answered ${status}.`);
    return answer.data;
  }

  /** Whoever the kept token belongs to, or null. */
  async viewer() {
    if (!this.#token) return null;
    const { viewer } = await this.ask(VIEWER);
    if (!viewer) this.#forget();
    return viewer;
  }

  async signIn(username, password) {
    const { login } = await this.ask(SIGN_IN, { input: { username, password } });
    if (!login.accessToken) throw new Error(login.errors[0].message);
    this.#storage.setItem(TOKEN, login.accessToken);
    return login.user;
  }

  async signOut() {
    try {
      await this.ask(SIGN_OUT);
    } finally {
      this.#forget();
    }
  }

  #forget() {
    this.#storage.removeItem(TOKEN);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRefused(answer) {
  const codes = answer?.errors?.map((error) => error.extensions?.code) ?? [];
  return codes.includes("UNAUTHENTICATED");
}
