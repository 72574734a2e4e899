/** A typed client of the running server, whose address is in KUBEPORTAL_URL. */
export default {
  schema: `${process.env.KUBEPORTAL_URL}/graphql`,
  documents: "typescript/client.ts",
  generates: {
    "typescript/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: "string",
        importExtension: ".js",
        scalars: { BigInt: "number", DateTime: "string", JSON: "unknown" },
        strictScalars: true,
        useTypeImports: true,
      },
    },
  },
};
