// Monaco and Radix create style elements; the page's CSP allows only those with its nonce
const { nonce } = document.querySelector("link[nonce]");
const createElement = document.createElement.bind(document);

document.createElement = (name, options) => {
  const element = createElement(name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};
