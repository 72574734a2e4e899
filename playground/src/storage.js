import { createLocalStorage } from "@graphiql/toolkit";
import { holdsSecret } from "./secrets.js";

const TABS = "graphiql:tabState";
const HISTORY = { "graphiql:queries": "queries", "graphiql:favorites": "favorites" };
const EDITORS = {
  "graphiql:query": "query",
  "graphiql:variables": "variables",
  "graphiql:headers": "headers",
};

/** What GraphiQL keeps for the next visit: everything but operations that hold a secret. */
export class Storage {
  #kept = createLocalStorage({ namespace: "kubeportal" });

  getItem(key) {
    return key in EDITORS ? this.#ofActiveTab(EDITORS[key]) : this.#kept.getItem(key);
  }

  /** Throws where history would get a secret: GraphiQL then forgets that operation. */
  setItem(key, value) {
    if (key in EDITORS) return;
    if (key in HISTORY && JSON.parse(value)[HISTORY[key]].some(holdsSecret)) {
      throw new Error("Operations with secrets are not kept.");
    }
    this.#kept.setItem(key, key === TABS ? withoutSecrets(value) : value);
  }

  removeItem(key) {
    this.#kept.removeItem(key);
  }

  clear() {
    this.#kept.clear();
  }

  get length() {
    return this.#kept.length;
  }

  // One copy will do: the editors show what the active tab holds
  #ofActiveTab(property) {
    const state = JSON.parse(this.#kept.getItem(TABS));
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
