import { getOperationAST } from "graphql";
import { createClient } from "graphql-ws";

const FORBIDDEN = 4403;

/** Sends GraphiQL's operations as the signed-in user; subscriptions use a WebSocket. */
export function fetcherFor(session, endpoint) {
  const client = createClient({
    url: endpoint.replace(/^http/, "ws"),
    connectionParams: () => session.credentials,
    on: { closed: ({ code }) => code === FORBIDDEN && session.end() },
  });
  return (operation, { documentAST } = {}) =>
    isSubscription(documentAST, operation.operationName)
      ? observable(client, operation)
      : session.run(operation);
}

function isSubscription(document, name) {
  return document && getOperationAST(document, name)?.operation === "subscription";
}

function observable(client, operation) {
  return {
    subscribe: (observer) => ({
      unsubscribe: client.subscribe(operation, {
        ...observer,
        error: (problem) => observer.error(readable(problem)),
      }),
    }),
  };
}

function readable(problem) {
  return problem instanceof CloseEvent
    ? new Error(`The portal closed the connection: ${problem.code} ${problem.reason}`)
    : problem;
}
