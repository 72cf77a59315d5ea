import { useDebouncedValue } from "@mantine/hooks";
import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

const typingMs = 300;

/** The text of a search field whose search stands in the page's address: asked for when typing rests. */
export function useSearchText(asked: string | undefined, ask: (text: string | undefined) => void) {
  const router = useRouter();
  const page = useRef(router.latestLocation.pathname);
  const [text, setText] = useState(asked ?? "");
  const [typed] = useDebouncedValue(text, typingMs);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what was typed asks anew
  useEffect(() => {
    const wanted = typed.trim() || undefined;
    // Who is on the way to another page meanwhile is not called back.
    if (wanted !== asked && router.latestLocation.pathname === page.current) ask(wanted);
  }, [typed]);
  return [text, setText] as const;
}
