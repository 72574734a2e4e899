import { createContext, use, useSyncExternalStore } from "react";

export const SessionContext = createContext(null);

/** The session and its current state: the portal, the viewer and a notice. */
export function useSession() {
  const session = use(SessionContext);
  return { session, ...useSyncExternalStore(session.subscribe, () => session.state) };
}
