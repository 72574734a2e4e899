import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;
const LICENCE = /^licen[cs]e(\.\w+)?$/i;

/** The licences of all packages that are part of the bundles. */
export async function licences(metafiles) {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const packages = new Set(inputs.flatMap((path) => path.match(PACKAGE) ?? []));
  return (await Promise.all([...packages].sort().map(licenceOf))).join("\n\n");
}

async function licenceOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json")));
  const file = (await readdir(folder)).find((entry) => LICENCE.test(entry));
  const text = file ? await readFile(join(folder, file), "utf8") : "";
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}
