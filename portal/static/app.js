import { Account } from "./account.js";
import { Client } from "./client.js";
import { Documentation } from "./documentation.js";
import { makeEditor, operationAt, parseVariables, replaceText } from "./editor.js";
import { find } from "./elements.js";
import { EXAMPLES } from "./examples.js";
import { QueryHistory } from "./history.js";
import { makeMenu } from "./menu.js";
import { showFailure, showResult, showRunning } from "./result.js";

class Playground {
  #client = new Client(sessionStorage);
  #account = new Account(this.#client);
  #history = new QueryHistory(localStorage);
  #query = find("query");
  #variables = find("variables");
  #running;

  start() {
    const latest = this.#history.entries[0];
    this.#query.value = latest?.query ?? EXAMPLES[0].query;
    this.#variables.value = latest?.variables ?? "{}";
    this.#listen();
    this.#query.focus();
    this.#account.restore();
    new Documentation().load(this.#client);
  }

  #listen() {
    for (const area of [this.#query, this.#variables]) {
      makeEditor(area);
      area.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#run();
      });
    }
    this.#variables.addEventListener("input", () => this.#readVariables());
    find("run").addEventListener("click", () => this.#run());
    makeMenu(find("examples"), () => this.#exampleChoices());
    makeMenu(find("history"), () => this.#historyChoices());
  }

  #run() {
    const variables = this.#readVariables();
    if (!variables) {
      this.#variables.focus();
      return;
    }
    const query = this.#query.value;
    const operationName = operationAt(query, this.#query.selectionStart);
    this.#history.remember(query, this.#variables.value);
    this.#send({ query, variables, operationName });
  }

  async #send(operation) {
    this.#running?.abort();
    this.#running = new AbortController();
    const { signal } = this.#running;
    showRunning();
    try {
      const result = await this.#client.run(operation, signal);
      showResult(result);
      if (result.sessionEnded) this.#account.end();
    } catch (error) {
      if (!signal.aborted) showFailure(`The portal does not answer: ${error.message}`);
    }
  }

  /** The variables, or undefined after saying what is wrong with them. */
  #readVariables() {
    const problem = find("variables-problem");
    problem.textContent = "";
    try {
      return parseVariables(this.#variables.value);
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      this.#variables.ariaInvalid = String(problem.textContent !== "");
    }
  }

  #load(query, variables) {
    replaceText(this.#variables, variables);
    replaceText(this.#query, query);
  }

  #exampleChoices() {
    return EXAMPLES.map(({ title, query, variables }) => [
      title,
      () => this.#load(query, JSON.stringify(variables?.(this.#account.viewer) ?? {}, null, 2)),
    ]);
  }

  #historyChoices() {
    const choices = this.#history.entries.map(({ query, variables, at }) => [
      `${moment(at)} · ${query.replace(/\s+/g, " ")}`,
      () => this.#load(query, variables),
    ]);
    return [...choices, ["Clear history", () => this.#history.clear()]];
  }
}

function moment(milliseconds) {
  return new Date(milliseconds).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
}

new Playground().start();
