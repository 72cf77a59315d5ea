import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
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
  /** The way back, where "Cancel" could be taken for the deed. */
  cancel?: string;
  onConfirm: () => void;
  pending?: boolean;
  error?: unknown;
  /** For what cannot be undone and hurts: this word must be typed first. */
  typed?: { word: string; label: string };
  /** Nothing is lost by it. */
  harmless?: boolean;
  /** Its name among the dialogs of a Modal.Stack, when it can stand above another one. */
  stackId?: string;
};

/** Asks before something is done that others notice or that cannot be undone. It stays open until the server has answered. */
export function Confirm(props: Props) {
  const { opened, onClose, title, children, action, cancel, onConfirm, pending, error, typed, harmless, stackId } =
    props;
  const [word, setWord] = useState("");
  useEffect(() => {
    if (opened) setWord("");
  }, [opened]);
  const ready = !typed || word.trim() === typed.word;
  return (
    <Modal
      stackId={stackId}
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
              {cancel ?? common.cancel}
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

/**
 * One of a list, and what is done to it once it has been confirmed: `ask(item)` opens the question, `dialog` is what Confirm needs
 * of it. A refusal belongs to the one that was asked about: the next question begins without it.
 *
 *   const removal = useConfirmed({ act: (tag: Tag) => api.delete(…), onDone: () => toast.done(…), onSettled: again });
 *   <Confirm {...removal.dialog} title={removal.item ? texts.deleteTitle(removal.item.name) : ""} action={common.delete}>
 */
export function useConfirmed<T, Out>({
  act,
  onDone,
  onSettled,
}: {
  act: (item: T) => Promise<Out>;
  onDone?: (answer: Out, item: T) => unknown;
  onSettled?: () => unknown;
}) {
  const [item, setItem] = useState<T | null>(null);
  const mutation = useMutation({
    mutationFn: act,
    onSuccess: (answer, done) => {
      setItem(null);
      return onDone?.(answer, done);
    },
    onSettled,
  });
  const ask = (asked: T) => {
    mutation.reset();
    setItem(asked);
  };
  return {
    item,
    ask,
    dialog: {
      opened: item !== null,
      onClose: () => setItem(null),
      onConfirm: () => item !== null && mutation.mutate(item),
      pending: mutation.isPending,
      error: mutation.error,
    },
  };
}
