import { createContext, use, useSyncExternalStore } from "react";

export const SessionContext = createContext(null);

/** The session, and its state as of now: the portal, who is signed in, and a notice. */
export function useSession() {
  const session = use(SessionContext);
  return { session, ...useSyncExternalStore(session.subscribe, () => session.state) };
}
