/** What the menu offers; `variables` are made for whoever is signed in. */
export const EXAMPLES = [
  {
    title: "The portal, for everyone",
    query: `query Portal {
  portal {
    name
    version
    restApiVersion
  }
  viewer { username }
}
`,
  },
  {
    title: "Me, my groups and web apps",
    query: `query Me {
  viewer {
    databaseId
    username
    firstName
    lastName
    primaryEmail
    isAdmin
    accessState
    groups { name }
    webapps { linkName linkUrl }
  }
}
`,
  },
  {
    title: "Facts about the cluster",
    query: `query ClusterFacts {
  cluster {
    name
    apiServerUrl
    version
    reachable
    observedAt
    nodeCount
    cpuCount
    memory(unit: GIBIBYTE)
    podCount
    volumeCount
  }
}
`,
  },
  {
    title: "My service account and its token",
    query: `query ServiceAccount {
  viewer {
    serviceAccount {
      qualifiedName
      cluster { name apiServerUrl }
      token { value expiresAt }
    }
  }
}
`,
  },
  {
    title: "Change my names",
    query: `mutation ChangeNames($input: UpdateUserInput!) {
  updateUser(input: $input) {
    user { firstName lastName }
    errors { code field message }
  }
}
`,
    variables: (viewer) => ({
      input: { databaseId: viewer?.databaseId ?? 1, firstName: viewer?.firstName || "Ada" },
    }),
  },
  {
    title: "Administrators: a page of users",
    query: `query Users($first: Int, $after: String, $search: String) {
  admin {
    users(first: $first, after: $after, search: $search) {
      totalCount
      pageInfo { endCursor hasNextPage }
      edges {
        node {
          databaseId
          username
          primaryEmail
          accessState
          groups { name }
        }
      }
    }
  }
}
`,
    variables: () => ({ first: 10, after: null, search: null }),
  },
];
