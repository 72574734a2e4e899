/** Prints the outcome of every audit of GraphQL over HTTP, for the endpoint of the first argument. */

import { auditServer } from "graphql-http";

const outcomes = await auditServer({ url: process.argv[2] });
console.log(JSON.stringify(outcomes.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
