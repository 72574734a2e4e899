import { element, find } from "./elements.js";

const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;

export function showRunning() {
  find("result").ariaBusy = "true";
  find("status").textContent = "Running…";
}

export function showResult({ status, milliseconds, text, answer }) {
  const count = answer?.errors?.length ?? 0;
  const errors = count ? ` · ${count} ${count === 1 ? "error" : "errors"}` : "";
  show(`HTTP ${status} · ${milliseconds} ms${errors}`, answer ? coloured(pretty(text)) : [text]);
  find("status").classList.toggle("problem", count > 0 || status >= 400);
}

export function showFailure(message) {
  show("No answer", [message]);
  find("status").classList.add("problem");
}

function show(status, content) {
  find("result").ariaBusy = "false";
  find("status").textContent = status;
  find("answer").replaceChildren(...content);
  find("answer").scrollTop = 0;
  find("result").scrollIntoView({ block: "nearest" });
}

function pretty(text) {
  return JSON.stringify(JSON.parse(text, exactNumber), null, 2);
}

/** Shows numbers with the digits that came, which may be more than JavaScript's numbers hold. */
function exactNumber(_, value, context) {
  return typeof value === "number" && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}

function coloured(json) {
  const pieces = [];
  let end = 0;
  for (const match of json.matchAll(TOKENS)) {
    const [token, string, colon = ""] = match;
    pieces.push(json.slice(end, match.index));
    pieces.push(element("span", { className: tokenClass(string, colon) }, string ?? token), colon);
    end = match.index + token.length;
  }
  return [...pieces, json.slice(end)];
}

function tokenClass(string, colon) {
  if (colon) return "key";
  return string ? "string" : "literal";
}
