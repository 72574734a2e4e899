import { UnStyledButton, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { EXAMPLES } from "./examples.js";
import { ExamplesIcon } from "./icons.jsx";
import { useSession } from "./session-context.js";

export const EXAMPLES_PLUGIN = { title: "Examples", icon: ExamplesIcon, content: Examples };

function Examples() {
  const open = useOpenExample();
  return (
    <section aria-label="Examples" className="panel">
      <h2 className="panel-title">Examples</h2>
      {Object.entries(EXAMPLES).map(([audience, examples]) => (
        <section key={audience}>
          <h3>{audience}</h3>
          <ul>
            {examples.map((example) => (
              <li key={example.title}>
                <UnStyledButton
                  type="button"
                  className="example"
                  disabled={!open}
                  onClick={() => open(example)}
                >
                  {example.title}
                </UnStyledButton>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}

/** A function that opens an example; null until the editors are loaded, which takes longer.
 *
 * A tab whose text is not an example is kept: the example opens in a new one.
 */
function useOpenExample() {
  const { viewer } = useSession();
  const { addTab } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  if (!queryEditor || !variableEditor) return null;
  return ({ query, variables }) => {
    if (!isExample(queryEditor.getValue())) addTab();
    queryEditor.setValue(query);
    variableEditor.setValue(variables ? JSON.stringify(variables(viewer), null, 2) : "");
    queryEditor.focus();
  };
}

function isExample(text) {
  const queries = Object.values(EXAMPLES).flatMap((examples) => examples.map(({ query }) => query));
  return text.trim() === "" || queries.includes(text);
}
