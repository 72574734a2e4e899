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

/** Grouped by audience. `variables` is a function of the viewer. */
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
      title: "Request access",
      query: requestAccess,
      variables: () => ({ input: { reason: "For my thesis" } }),
    },
    {
      title: "Change my name",
      query: changeNames,
      variables: (viewer) => ({
        input: { databaseId: viewer?.databaseId ?? 1, firstName: viewer?.firstName || "Ada" },
      }),
    },
  ],
  "For administrators": [
    { title: "Users, page by page", query: users, variables: () => ({ search: "" }) },
    { title: "Open access requests", query: accessRequests },
    { title: "Issued credentials", query: credentials },
  ],
};

export const FIRST_EXAMPLE = portal;
