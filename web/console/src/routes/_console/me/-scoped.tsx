import { Alert } from "@mantine/core";
import { Info } from "lucide-react";
import { useMe } from "~/session/session";
import { texts } from "./-me.texts";

/** A session of one community may not touch the account itself. */
export const useIsScoped = () => useMe().session.scope === "community";

export function ScopedNotice() {
  return (
    <Alert icon={<Info size={18} aria-hidden />} title={texts.scopedTitle} mb="lg">
      {texts.scopedText}
    </Alert>
  );
}
