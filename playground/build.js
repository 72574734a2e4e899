/** Bundles the playground into the folder from which the portal serves it. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { build } from "esbuild";
import { licences } from "./licences.js";

const FOLDER = "../portal/web/static/playground";
const ASSETS = join(FOLDER, "assets");
const COMPRESSED = /\.(js|css|svg|txt)$/;
const WORKERS = {
  editor: "monaco-editor/esm/vs/editor/editor.worker.js",
  graphql: "monaco-graphql/esm/graphql.worker.js",
  json: "monaco-editor/esm/vs/language/json/json.worker.js",
};

function bundled(entryPoints, options) {
  return build({
    entryPoints,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "none",
    metafile: true,
    write: false,
    outdir: ASSETS,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    logLevel: "warning",
    ...options,
  });
}

/** The file names of each entry point: its script and its styles. */
function namesOf({ metafile }) {
  const outputs = Object.entries(metafile.outputs).filter(([, output]) => output.entryPoint);
  return Object.fromEntries(
    outputs.map(([path, { entryPoint, cssBundle }]) => [
      basename(entryPoint),
      { script: basename(path), styles: cssBundle && basename(cssBundle) },
    ]),
  );
}

async function write(name, contents) {
  await writeFile(join(ASSETS, name), contents);
  if (COMPRESSED.test(name)) {
    await writeFile(join(ASSETS, `${name}.gz`), await promisify(gzip)(contents, { level: 9 }));
  }
}

const workers = await bundled(Object.values(WORKERS));
const workerNames = namesOf(workers);
const files = Object.fromEntries(
  Object.entries(WORKERS).map(([label, path]) => [label, workerNames[basename(path)].script]),
);
const app = await bundled(["src/playground.jsx"], {
  splitting: true,
  // GraphiQL imports these by old names, under which prettier finds no parsers
  alias: {
    "prettier/parser-babel": "prettier/plugins/babel",
    "prettier/parser-graphql": "prettier/plugins/graphql",
  },
  jsx: "automatic",
  loader: { ".graphql": "text", ".svg": "file", ".ttf": "file", ".woff": "empty", ".woff2": "file" },
  define: { "process.env.NODE_ENV": '"production"', WORKERS: JSON.stringify(files) },
});

const { script, styles } = namesOf(app)["playground.jsx"];
// The styles of the entry point include those of other chunks
const isNeeded = (name) => !name.endsWith(".css") || name === styles;

await rm(FOLDER, { recursive: true, force: true });
await mkdir(ASSETS, { recursive: true });
for (const { path, contents } of [...workers.outputFiles, ...app.outputFiles]) {
  if (isNeeded(basename(path))) await write(basename(path), contents);
}
const licenceTexts = await licences([workers.metafile, app.metafile]);
const hash = createHash("sha256").update(licenceTexts).digest("hex").slice(0, 8).toUpperCase();
await write(`licences-${hash}.txt`, licenceTexts);

const icon = basename(Object.keys(app.metafile.outputs).find((path) => /icon-\w+\.svg$/.test(path)));
const page = await readFile("src/index.html", "utf8");
// Last, as make treats this file as the result of the build
await writeFile(
  join(FOLDER, "index.html"),
  page
    .replace("SCRIPT", script)
    .replace("STYLES", styles)
    .replace("ICON", icon)
    .replace("LICENCES", `licences-${hash}.txt`),
);
