import accessRequests from "./examples/access-requests.graphql";
import changeNames from "./examples/change-names.graphql";
import cluster from "./examples/cluster.graphql";
import credentials from "./examples/credentials.graphql";
import followCluster from "./examples/follow-cluster.graphql";
import me from "./examples/me.graphql";
import portal from "./examples/portal.graphql";
import requestAccess from "./examples/request-access.graphql";
import serviceAccount from "./examples/service-account.graphql";
import types from "./examples/types.graphql";
import users from "./examples/users.graphql";

/** By who may run them; `variables` are made for whoever is signed in. */
export const EXAMPLES = {
  "For everyone": [
    { title: "The portal", query: portal },
    { title: "The types of the schema", query: types },
  ],
  "For signed-in users": [
    { title: "Me, my groups and web apps", query: me },
    { title: "Facts about the cluster", query: cluster },
    { title: "Follow the cluster", query: followCluster },
    { title: "My service account and its token", query: serviceAccount },
    {
      title: "Ask for access",
      query: requestAccess,
      variables: () => ({ input: { reason: "For my thesis" } }),
    },
    {
      title: "Change my names",
      query: changeNames,
      variables: (viewer) => ({
        input: { databaseId: viewer?.databaseId ?? 1, firstName: viewer?.firstName || "Ada" },
      }),
    },
  ],
  "For administrators": [
    { title: "A page of users", query: users, variables: () => ({ search: "" }) },
    { title: "Open requests for access", query: accessRequests },
    { title: "Credentials handed out", query: credentials },
  ],
};

export const FIRST_EXAMPLE = portal;
