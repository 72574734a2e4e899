/** What a program of a client does: it fails to sign in, signs in, and reads page by page. */

import { graphql } from "./generated/gql.js";
import type { TypedDocumentString } from "./generated/graphql.js";

const Login = graphql(`
  mutation Login($input: LoginInput!) {
    login(input: $input) {
      accessToken
      errors { code message field }
    }
  }
`);

const Viewer = graphql(`
  query Viewer {
    viewer { username isAdmin accessState groups { name membership } }
  }
`);

const Users = graphql(`
  query Users($first: Int!, $after: String) {
    admin {
      users(first: $first, after: $after) {
        edges { node { username } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

async function execute<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  accessToken?: string | null,
): Promise<Data> {
  const response = await fetch(`${address}/graphql`, {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json",
      "Content-Type": "application/json",
      ...(accessToken && { Authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({ query: document, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

async function logIn(username: string, password: string) {
  return (await execute(Login, { input: { username, password } })).login;
}

async function pagesOfUsers(
  accessToken: string | null,
  after: string | null = null,
): Promise<string[][]> {
  const { admin } = await execute(Users, { first: 2, after }, accessToken);
  if (!admin) throw new Error("This is for administrators.");
  const page = admin.users.edges.map((edge) => edge.node.username);
  const { hasNextPage, endCursor } = admin.users.pageInfo;
  return hasNextPage ? [page, ...(await pagesOfUsers(accessToken, endCursor))] : [page];
}

const [address, username, password] = process.argv.slice(2) as [string, string, string];
const refused = await logIn(username, `not ${password}`);
const { accessToken } = await logIn(username, password);
const { viewer } = await execute(Viewer, {}, accessToken);
const pages = await pagesOfUsers(accessToken);
console.log(JSON.stringify({ errors: refused.errors, viewer, pages }));
