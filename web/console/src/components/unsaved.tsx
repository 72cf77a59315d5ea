import { Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { type ReactNode, useEffect, useId, useState } from "react";
import { sessionQuery } from "~/session/session";
import { common } from "~/texts/common.texts";
import { Confirm } from "./confirm";

/** The forms of this page with something in them, the longest first: one question is asked for all of them. */
const unsavedForms = new Set<string>();

/**
 * Beside a form, never inside it: `question` asks before another page, or nothing at all, takes the place of what was entered.
 * `close(end)` is for a form that is closed by itself: it asks too, and ends it when that may be. What leaves the page itself after
 * it has saved says `ignoreBlocker`.
 */
export function useUnsaved(dirty: boolean): { close: (end: () => void) => void; question: ReactNode } {
  const id = useId();
  useEffect(() => {
    if (!dirty) return;
    unsavedForms.add(id);
    return () => void unsavedForms.delete(id);
  }, [dirty, id]);
  const queries = useQueryClient();
  // Who has signed out cannot save any more.
  const matters = () => dirty && queries.getQueryData(sessionQuery.queryKey) !== null;
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) =>
      matters() && current.pathname !== next.pathname && unsavedForms.values().next().value === id,
    enableBeforeUnload: matters,
    withResolver: true,
  });
  const [ending, setEnding] = useState<(() => void) | null>(null);
  const leaving = blocker.status === "blocked";
  const stay = () => {
    blocker.reset?.();
    setEnding(null);
  };
  const go = () => {
    blocker.proceed?.();
    ending?.();
    setEnding(null);
  };
  return {
    close: (end) => (dirty ? setEnding(() => end) : end()),
    question: (
      <Confirm
        stackId="question"
        opened={leaving || ending !== null}
        onClose={stay}
        title={common.discardTitle}
        action={common.discard}
        cancel={common.keepEditing}
        onConfirm={go}
      >
        <Text size="sm">{common.discardText}</Text>
      </Confirm>
    ),
  };
}
