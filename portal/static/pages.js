import { element, prose } from "./elements.js";

const KINDS = {
  OBJECT: ["type", "Types"],
  INTERFACE: ["interface", "Interfaces"],
  UNION: ["union", "Unions"],
  INPUT_OBJECT: ["input", "Inputs"],
  ENUM: ["enum", "Enums"],
  SCALAR: ["scalar", "Scalars"],
};

export function overviewPage(types, roots) {
  const others = types.filter(({ name }) => !roots.includes(name));
  const groups = Object.entries(KINDS).map(([kind, [, title]]) => [
    title,
    others.filter((type) => type.kind === kind).sort((a, b) => a.name.localeCompare(b.name)),
  ]);
  const operations = roots.map((root) => types.find(({ name }) => name === root));
  return [["Operations", operations], ...groups]
    .filter(([, members]) => members.length)
    .flatMap(([title, members]) => [element("h3", {}, title), links(members)]);
}

export function searchPage(types, text) {
  const candidates = types.flatMap((type) => [
    type,
    ...members(type).map((member) => ({ ...member, name: `${type.name}.${member.name}` })),
  ]);
  const has = (part) => part?.toLowerCase().includes(text);
  const named = candidates.filter(({ name }) => has(name));
  const described = candidates.filter((one) => !named.includes(one) && has(one.description));
  const found = [...named, ...described];
  const count = found.length === 1 ? "1 match" : `${found.length} matches`;
  return [element("h3", { role: "status" }, count), links(found)];
}

export function typePage(type, memberName) {
  const [keyword] = KINDS[type.kind];
  return [
    element("nav", {}, element("a", { href: "#" }, "All types")),
    element("h3", {}, element("small", {}, `${keyword} `), type.name),
    element("p", {}, ...prose(type.description)),
    ...(type.isOneOf ? [element("p", {}, "Exactly one of these must be given.")] : []),
    ...(type.specifiedByURL ? [specification(type.specifiedByURL)] : []),
    ...related("Implements", type.interfaces),
    ...related("One of", type.possibleTypes),
    element("ul", { className: "members" }, ...members(type).map((one) => item(one, memberName))),
  ];
}

function members({ fields, inputFields, enumValues }) {
  return fields ?? inputFields ?? enumValues ?? [];
}

function item(member, target) {
  return element(
    "li",
    { className: member.name === target ? "target" : "" },
    signature(member),
    ...description(member),
    ...(member.args?.length ? [element("ul", {}, ...member.args.map((arg) => item(arg)))] : []),
  );
}

function signature({ name, type, defaultValue }) {
  const initial = defaultValue && defaultValue !== "null" ? [` = ${defaultValue}`] : [];
  return element("code", {}, element("b", {}, name), ...(type ? [": ", ...reference(type)] : []), ...initial);
}

function description({ description, deprecationReason }) {
  return [
    ...(description ? [element("p", {}, ...prose(description))] : []),
    ...(deprecationReason
      ? [element("p", { className: "problem" }, "Deprecated: ", ...prose(deprecationReason))]
      : []),
  ];
}

function reference({ kind, name, ofType }) {
  if (kind === "NON_NULL") return [...reference(ofType), "!"];
  if (kind === "LIST") return ["[", ...reference(ofType), "]"];
  return [link(name)];
}

function related(title, types) {
  const names = (types ?? []).map(({ name }) => link(name));
  return names.length
    ? [element("p", {}, `${title} `, ...names.flatMap((name, index) => (index ? [", ", name] : [name])))]
    : [];
}

/** The address of a specification is shown, not linked: the page leads nowhere else. */
function specification(url) {
  return element("p", {}, "Specified by ", element("code", {}, url));
}

function links(things) {
  const rows = things.map(({ name, description }) =>
    element("li", {}, link(name), element("small", {}, ...prose(description))),
  );
  return element("ul", { className: "links" }, ...rows);
}

function link(name) {
  return element("a", { href: `#${name}` }, name);
}
