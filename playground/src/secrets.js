const IN_QUERY = /login|password|secret|token\s*:/i;
const IN_VARIABLES = /login|password|secret|token|code/i;

/** Whether an operation in a tab or in the history may contain a password or a token. */
export function holdsSecret({ query, variables, headers }) {
  return IN_QUERY.test(query ?? "") || IN_VARIABLES.test(variables ?? "") || Boolean(headers);
}
