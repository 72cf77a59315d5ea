import { Button, Group, Modal, type ModalProps, Stack } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
import { common } from "~/texts/common.texts";
import { ErrorAlert } from "./error-view";
import type { FormAlert, Sending, SentForm } from "./form-mutation";
import { useUnsaved } from "./unsaved";

type Frame = {
  title: string;
  onClose: () => void;
  /** The verb of its button. */
  action: string;
  size?: ModalProps["size"];
  children: ReactNode;
};

/** A dialog with a form and the two buttons below it. What was entered is not lost by a key or a click beside it. */
export function FormDialog({
  title,
  onClose,
  action,
  size,
  children,
  onSubmit,
  dirty,
  pending,
  disabled,
  color,
  alert,
}: Frame & {
  onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  dirty: boolean;
  pending: boolean;
  /** Nothing to send yet. */
  disabled?: boolean;
  color?: string;
  alert: FormAlert;
}) {
  const unsaved = useUnsaved(dirty);
  return (
    <Modal.Stack>
      <Modal
        stackId="form"
        opened
        onClose={() => unsaved.close(onClose)}
        title={title}
        size={size}
        closeButtonProps={{ "aria-label": common.close }}
      >
        <form onSubmit={onSubmit} noValidate>
          <Stack>
            <ErrorAlert {...alert} />
            {children}
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>
                {common.cancel}
              </Button>
              <Button type="submit" color={color} loading={pending} disabled={disabled}>
                {action}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
      {unsaved.question}
    </Modal.Stack>
  );
}

/** The same for a form and its useFormMutation. */
export function FormModal<V extends Record<string, unknown>>({
  form,
  send,
  ...frame
}: Frame & { form: SentForm<V>; send: Sending<V>; disabled?: boolean }) {
  return (
    <FormDialog
      {...frame}
      onSubmit={form.onSubmit((values) => send.mutate(values))}
      dirty={form.isDirty()}
      pending={send.isPending}
      alert={send.alert}
    />
  );
}
