import { Switch } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { type SettingsChange, useChangeSettings } from "../-settings";
import { texts } from "./-login.texts";

/** A switch that is sent when it is moved. It shows what the server says, so a refusal puts it back. */
export function SettingSwitch({
  name,
  checked,
  label,
  hint,
  disabled,
}: {
  name: "openRegistration" | "secondFactorRequired" | "mailIncludePasswords" | "secureAuthAdministrators";
  checked: boolean;
  label: string;
  hint: ReactNode;
  disabled?: boolean;
}) {
  const { _id } = useCommunity();
  const change = useChangeSettings(_id);
  // What was chosen shows at once, and until the answer has come.
  const [wanted, setWanted] = useState<boolean | null>(null);
  const send = useMutation({
    mutationFn: (on: boolean) => change({ [name]: on } as SettingsChange),
    onSuccess: () => toast.done(texts.saved),
    onError: (error) => toast.failed(error),
    onSettled: () => setWanted(null),
  });
  return (
    <Switch
      label={label}
      description={hint}
      checked={wanted ?? checked}
      disabled={disabled}
      onChange={(event) => {
        if (wanted !== null) return;
        setWanted(event.currentTarget.checked);
        send.mutate(event.currentTarget.checked);
      }}
    />
  );
}
