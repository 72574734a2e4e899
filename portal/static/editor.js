const INDENT = "  ";
const OPERATION = /^\s*(?:query|mutation|subscription)\s+(\w+)/gm;

/** Lets a text area indent like a code editor; Escape gives the next Tab back to the browser. */
export function makeEditor(area) {
  let leaving = false;
  area.addEventListener("keydown", (event) => {
    const plain = !(event.shiftKey || event.ctrlKey || event.metaKey || event.altKey);
    if (event.key === "Tab" && plain && !leaving) insert(event, INDENT);
    if (event.key === "Enter" && plain && !event.isComposing) insert(event, newLine(area));
    leaving = event.key === "Escape";
  });
}

/** Replaces all text in a way that the browser's undo takes back. */
export function replaceText(area, text) {
  area.focus();
  area.select();
  document.execCommand("insertText", false, text);
  area.setSelectionRange(0, 0);
  area.scrollTop = 0;
}

/** The JSON object in the text; throws an error that says what is wrong. */
export function parseVariables(text) {
  const value = text.trim() ? parseJson(text) : {};
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error('Variables are a JSON object, like {"first": 10}.');
  }
  return value;
}

/** The operation around the caret, where a document has several. */
export function operationAt(query, caret) {
  const operations = [...query.matchAll(OPERATION)];
  const before = operations.filter((match) => match.index <= caret);
  return (before.at(-1) ?? operations[0])?.[1];
}

function insert(event, text) {
  event.preventDefault();
  document.execCommand("insertText", false, text);
}

function newLine(area) {
  const line = area.value.slice(0, area.selectionStart).split("\n").at(-1);
  const indent = /^ */.exec(line)[0];
  return "\n" + indent + (/[{([]\s*$/.test(line) ? INDENT : "");
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`The variables are not JSON: ${error.message}`);
  }
}
