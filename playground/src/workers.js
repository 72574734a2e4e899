/** Monaco asks for its workers here; their names come from the build. */
globalThis.MonacoEnvironment = {
  getWorker(_, label) {
    const name = WORKERS[label] ?? WORKERS.editor;
    return new Worker(new URL(name, import.meta.url), { type: "module" });
  },
};
