export const find = (id) => document.getElementById(id);

/** Makes an element; children that are strings become text, never markup. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Descriptions mark `code` with backticks. */
export function prose(text) {
  return (text ?? "").split("`").map((part, index) =>
    index % 2 ? element("code", {}, part) : part,
  );
}
