import { useEffect, useRef } from "react";

/** The second key must follow the first within this time. */
const pauseMs = 1_500;

const typesText = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Calls the action of "g" and then its key, except where text is typed or a dialog is open. */
export function useGoKeys(actions: Record<string, () => void>) {
  const current = useRef(actions);
  useEffect(() => {
    current.current = actions;
  });
  useEffect(() => {
    let began = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typesText(event.target)) return;
      if (document.querySelector('[role="dialog"][aria-modal="true"]')) return;
      const waits = event.timeStamp - began < pauseMs;
      began = Number.NEGATIVE_INFINITY;
      const action = waits ? current.current[event.key] : undefined;
      if (action) {
        event.preventDefault();
        action();
      } else if (event.key === "g") {
        began = event.timeStamp;
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
