import "./nonce.js";
import "./workers.js";
import "monaco-graphql/esm/monaco-editor.js";
import "@fontsource/fira-code/latin-400.css";
import "@fontsource/roboto/latin-400.css";
import "@fontsource/roboto/latin-500.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./playground.css";

import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { ACCOUNT_PLUGIN } from "./account.jsx";
import { FIRST_EXAMPLE } from "./examples.js";
import { EXAMPLES_PLUGIN } from "./examples-panel.jsx";
import { fetcherFor } from "./fetcher.js";
import { Masthead } from "./masthead.jsx";
import { Session } from "./session.js";
import { SessionContext } from "./session-context.js";
import { Storage } from "./storage.js";

const endpoint = new URL("graphql", document.baseURI).href;
const session = new Session(endpoint);
const fetcher = fetcherFor(session, endpoint);
const storage = new Storage();
const plugins = [EXAMPLES_PLUGIN, HISTORY_PLUGIN, ACCOUNT_PLUGIN];

function Playground() {
  return (
    <SessionContext value={session}>
      <GraphiQL
        fetcher={fetcher}
        storage={storage}
        plugins={plugins}
        visiblePlugin={EXAMPLES_PLUGIN}
        defaultQuery={FIRST_EXAMPLE}
        defaultEditorToolsVisibility
        isHeadersEditorEnabled={false}
        shouldPersistHeaders={false}
      >
        <GraphiQL.Logo>
          <Masthead />
        </GraphiQL.Logo>
      </GraphiQL>
    </SessionContext>
  );
}

session.restore();
createRoot(document.getElementById("playground")).render(<Playground />);
