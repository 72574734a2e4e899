import { element } from "./elements.js";

/** A menu of choices, made anew whenever it opens: pairs of a label and what choosing it does. */
export function makeMenu(menu, makeChoices) {
  const close = () => (menu.open = false);
  const item = ([label, choose]) =>
    element("li", {}, element("button", { type: "button", onclick: () => (close(), choose()) }, label));

  menu.addEventListener("toggle", () => {
    menu.querySelector("ul").replaceChildren(...(menu.open ? makeChoices().map(item) : []));
  });
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    close();
    menu.querySelector("summary").focus();
  });
  menu.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !menu.contains(relatedTarget)) close();
  });
  addEventListener("pointerdown", ({ target }) => {
    if (!menu.contains(target)) close();
  });
}
