import { Button } from "@graphiql/react";
import { useActionState } from "react";
import { AccountIcon } from "./icons.jsx";
import { useSession } from "./session-context.js";

export const ACCOUNT_PLUGIN = { title: "Account", icon: AccountIcon, content: Account };

function Account() {
  const { viewer } = useSession();
  return (
    <section aria-label="Account" className="panel">
      <h2 className="panel-title">Account</h2>
      {viewer ? <SignedIn viewer={viewer} /> : <SignIn />}
    </section>
  );
}

function SignIn() {
  const { session, notice } = useSession();
  const [{ username, problem }, submit, isPending] = useActionState(async (_, form) => {
    const username = form.get("username");
    return { username, problem: await problemOf(session.signIn(username, form.get("password"))) };
  }, { username: "", problem: "" });
  return (
    <form action={submit}>
      <p>Operations run as the signed-in user. Each tab has its own session.</p>
      <label>
        User name
        <input name="username" defaultValue={username} autoComplete="username"
          autoCapitalize="none" spellCheck="false" autoFocus required />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <p className="problem" role="alert">{problem || notice}</p>
      <Button type="submit" disabled={isPending}>Sign in</Button>
    </form>
  );
}

function SignedIn({ viewer }) {
  const { session } = useSession();
  const [problem, submit, isPending] = useActionState(() => problemOf(session.signOut()), "");
  return (
    <form action={submit}>
      <p>
        Signed in as <strong>{viewer.username}</strong>
        {viewer.isAdmin && <span className="badge">administrator</span>}
      </p>
      <p className="problem" role="alert">{problem}</p>
      <Button type="submit" disabled={isPending}>Sign out</Button>
    </form>
  );
}

/** The error message of an action, or an empty string. */
async function problemOf(action) {
  try {
    await action;
    return "";
  } catch (error) {
    return error.message;
  }
}
