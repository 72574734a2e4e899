/** Monaco gets its workers here. The build inserts the names of their files. */
globalThis.MonacoEnvironment = {
  getWorker(_, label) {
    const name = WORKERS[label] ?? WORKERS.editor;
    return new Worker(new URL(name, import.meta.url), { type: "module" });
  },
};
