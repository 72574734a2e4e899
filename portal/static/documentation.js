import { element, find } from "./elements.js";
import { overviewPage, searchPage, typePage } from "./pages.js";

const INTROSPECTION = `query Documentation {
  __schema {
    queryType { name }
    mutationType { name }
    subscriptionType { name }
    types {
      kind name description specifiedByURL isOneOf
      fields(includeDeprecated: true) {
        name description deprecationReason
        args { ...Value }
        type { ...Reference }
      }
      inputFields { ...Value }
      interfaces { name }
      possibleTypes { name }
      enumValues(includeDeprecated: true) { name description deprecationReason }
    }
  }
}

fragment Value on __InputValue {
  name description defaultValue
  type { ...Reference }
}

fragment Reference on __Type {
  kind name
  ofType { kind name ofType { kind name ofType { kind name } } }
}`;

/** The sidebar; the part of the address after # says which page it shows. */
export class Documentation {
  #schema;
  #filter = find("filter");
  #page = find("page");

  async load(client) {
    try {
      this.#schema = (await client.ask(INTROSPECTION)).__schema;
    } catch (error) {
      this.#show([element("p", { className: "problem" }, error.message)]);
      return;
    }
    addEventListener("hashchange", () => this.#navigate());
    this.#filter.addEventListener("input", () => this.#search());
    this.#open();
  }

  get #types() {
    return this.#schema.types.filter((type) => !type.name.startsWith("__"));
  }

  #navigate() {
    this.#filter.value = "";
    this.#open();
    const target = this.#page.querySelector(".target") ?? this.#page.querySelector("h3");
    target.tabIndex = -1;
    target.focus();
  }

  #open() {
    const [typeName, memberName] = location.hash.slice(1).split(".");
    const type = this.#types.find(({ name }) => name === typeName);
    this.#show(type ? typePage(type, memberName) : overviewPage(this.#types, this.#roots()));
  }

  #search() {
    const text = this.#filter.value.trim().toLowerCase();
    if (text) this.#show(searchPage(this.#types, text));
    else this.#open();
  }

  #roots() {
    const { queryType, mutationType, subscriptionType } = this.#schema;
    return [queryType, mutationType, subscriptionType].flatMap((type) => type?.name ?? []);
  }

  #show(content) {
    this.#page.replaceChildren(...content);
    this.#page.scrollTop = 0;
  }
}
