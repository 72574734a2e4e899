// Monaco and Radix make style elements; the page's policy takes those that carry its nonce
const { nonce } = document.querySelector("link[nonce]");
const createElement = document.createElement.bind(document);

document.createElement = (name, options) => {
  const element = createElement(name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};
