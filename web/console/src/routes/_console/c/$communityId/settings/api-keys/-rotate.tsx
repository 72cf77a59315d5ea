import { Select, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Confirm } from "~/components/confirm";
import { texts } from "./-api-keys.texts";

/** Asks how long the old key may go on, and gives the new one. */
export function Rotate({
  opened,
  name,
  onClose,
  rotate,
  onMade,
}: {
  opened: boolean;
  name: string;
  onClose: () => void;
  rotate: (graceSeconds: number) => Promise<string>;
  onMade: (key: string) => void;
}) {
  const [grace, setGrace] = useState("86400");
  const send = useMutation({ mutationFn: () => rotate(Number(grace)), onSuccess: onMade });
  return (
    <Confirm
      opened={opened}
      onClose={() => {
        send.reset();
        onClose();
      }}
      title={texts.rotateTitle(name)}
      action={texts.rotate}
      onConfirm={() => send.mutate()}
      pending={send.isPending}
      error={send.error}
      harmless={grace !== "0"}
    >
      <Stack gap="sm">
        <Text size="sm">{texts.rotateText}</Text>
        <Select
          label={texts.grace}
          data={["86400", "604800", "3600", "0"].map((value) => ({ value, label: texts.graces[value]! }))}
          value={grace}
          onChange={(value) => setGrace(value ?? "0")}
          allowDeselect={false}
        />
      </Stack>
    </Confirm>
  );
}
