import { Button, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect } from "react";
import { ACCOUNT_PLUGIN } from "./account.jsx";
import icon from "./icon.svg";
import { useSession } from "./session-context.js";

/** The name of the portal, a notice about the session, and the account button. */
export function Masthead() {
  const { portal, viewer, notice } = useSession();
  const { setVisiblePlugin } = useGraphiQLActions();
  const name = portal?.name ?? "";
  useEffect(() => {
    if (name) document.title = `${name} · GraphQL playground`;
  }, [name]);
  useSchemaAfterSignIn(viewer);
  return (
    <>
      <span className="portal-name">
        <img src={new URL(icon, import.meta.url).href} alt="" width="20" height="20" />
        {name}
      </span>
      <span className="session-notice" role="status">{notice}</span>
      <Button type="button" onClick={() => setVisiblePlugin(ACCOUNT_PLUGIN)}>
        {viewer ? viewer.username : "Sign in"}
      </Button>
    </>
  );
}

/** Repeats an introspection that failed, as the portal may require a sign-in for it. */
function useSchemaAfterSignIn(viewer) {
  const fetchError = useGraphiQL((state) => state.fetchError);
  const { introspect } = useGraphiQLActions();
  useEffect(() => {
    if (viewer && fetchError) introspect();
  }, [viewer]);
}
