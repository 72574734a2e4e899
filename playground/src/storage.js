import { createLocalStorage } from "@graphiql/toolkit";
import { holdsSecret } from "./secrets.js";

const TABS = "graphiql:tabState";
const HISTORY = { "graphiql:queries": "queries", "graphiql:favorites": "favorites" };
const EDITORS = {
  "graphiql:query": "query",
  "graphiql:variables": "variables",
  "graphiql:headers": "headers",
};

/** GraphiQL's local storage, without operations that contain a secret. */
export class Storage {
  #storage = createLocalStorage({ namespace: "kubeportal" });

  getItem(key) {
    return key in EDITORS ? this.#ofActiveTab(EDITORS[key]) : this.#storage.getItem(key);
  }

  /** Throws for a history with a secret: GraphiQL then drops that operation. */
  setItem(key, value) {
    if (key in EDITORS) return;
    if (key in HISTORY && JSON.parse(value)[HISTORY[key]].some(holdsSecret)) {
      throw new Error("Operations with secrets are not stored.");
    }
    this.#storage.setItem(key, key === TABS ? withoutSecrets(value) : value);
  }

  removeItem(key) {
    this.#storage.removeItem(key);
  }

  clear() {
    this.#storage.clear();
  }

  get length() {
    return this.#storage.length;
  }

  // One copy is enough: the editors show the content of the active tab
  #ofActiveTab(property) {
    const state = JSON.parse(this.#storage.getItem(TABS));
    return state?.tabs[state.activeTabIndex]?.[property] ?? null;
  }
}

function withoutSecrets(value) {
  const state = JSON.parse(value);
  const tabs = state.tabs.map((tab) =>
    holdsSecret(tab) ? { ...tab, query: null, variables: null, headers: null } : tab,
  );
  return JSON.stringify({ ...state, tabs });
}
