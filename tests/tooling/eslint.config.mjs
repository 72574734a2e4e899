import graphql from "@graphql-eslint/eslint-plugin";

const { "flat/schema-recommended": recommended, "flat/schema-relay": relay } = graphql.configs;

/** Run in the folder of schema.graphql; all rules of both sets are on. */
export default [
  {
    files: ["schema.graphql"],
    plugins: { "@graphql-eslint": graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "schema.graphql" } },
    },
    rules: {
      ...recommended.rules,
      ...relay.rules,
      // Relay asks for an id of what can be fetched again; these are parts of something else.
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          exceptions: {
            suffixes: ["Connection", "Edge", "Payload"],
            types: [
              "Administration",
              "Cluster",
              "PageInfo",
              "Portal",
              "RestUsage",
              "ServiceAccount",
              "ServiceAccountToken",
              "UserError",
            ],
          },
        },
      ],
      // Relay asks for connections where lists are long; a user's groups and web apps are few.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
      // eslint-suppressions.json lets one field be: `username` is what everybody calls it.
      "@graphql-eslint/no-typename-prefix": "error",
    },
  },
];
