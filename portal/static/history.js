const KEY = "kubeportal.playground.history";
const LIMIT = 20;
const SECRET_QUERY = /login|password/i;
const SECRET_VARIABLES = /login|password|token|secret|code/i;

/** The latest queries, newest first; nothing that signs somebody in is kept. */
export class QueryHistory {
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  get entries() {
    try {
      const kept = JSON.parse(this.#storage.getItem(KEY)) ?? [];
      return kept.filter(isEntry);
    } catch {
      return [];
    }
  }

  remember(query, variables) {
    if (SECRET_QUERY.test(query) || SECRET_VARIABLES.test(variables)) return;
    const others = this.entries.filter(
      (entry) => entry.query !== query || entry.variables !== variables,
    );
    const entries = [{ query, variables, at: Date.now() }, ...others].slice(0, LIMIT);
    this.#storage.setItem(KEY, JSON.stringify(entries));
  }

  clear() {
    this.#storage.removeItem(KEY);
  }
}

function isEntry(entry) {
  return typeof entry?.query === "string" && typeof entry.variables === "string";
}
