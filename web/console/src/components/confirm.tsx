import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { common } from "~/texts/common.texts";
import { ErrorAlert } from "./error-view";

type Props = {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What follows from it, in full. */
  children: ReactNode;
  /** The verb: "Revoke key", never "OK". */
  action: string;
  onConfirm: () => void;
  pending?: boolean;
  error?: unknown;
  /** For what cannot be undone and hurts: this word must be typed first. */
  typed?: { word: string; label: string };
  /** Nothing is lost by it. */
  harmless?: boolean;
};

/** Asks before something is done that others notice or that cannot be undone. It stays open until the server has answered. */
export function Confirm(props: Props) {
  const { opened, onClose, title, children, action, onConfirm, pending, error, typed, harmless } = props;
  const [word, setWord] = useState("");
  useEffect(() => {
    if (opened) setWord("");
  }, [opened]);
  const ready = !typed || word.trim() === typed.word;
  return (
    <Modal
      opened={opened}
      onClose={() => !pending && onClose()}
      title={title}
      closeButtonProps={{ "aria-label": common.close }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !pending) onConfirm();
        }}
      >
        <Stack>
          <div>{children}</div>
          {typed && (
            <TextInput
              label={typed.label}
              value={word}
              onChange={(event) => setWord(event.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
              data-autofocus
            />
          )}
          <ErrorAlert error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose} disabled={pending} data-autofocus={typed ? undefined : true}>
              {common.cancel}
            </Button>
            <Button type="submit" color={harmless ? undefined : "red.9"} loading={pending} disabled={!ready}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
