// What concerns the account is changed with its password; each such dialog asks for it last.
import { Button, Group, Modal, PasswordInput, Stack } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import type { ReactNode } from "react";
import type { Problem } from "~/api/errors";
import { ErrorAlert } from "~/components/error-view";
import { common } from "~/texts/common.texts";
import { texts } from "./-me.texts";

export function AccountDialog<V extends { currentPassword: string }>({
  opened,
  onClose,
  title,
  form,
  send,
  action,
  children,
}: {
  opened: boolean;
  onClose: () => void;
  title: string;
  form: UseFormReturnType<V>;
  send: { mutate: (values: V) => void; isPending: boolean; alert: { error: unknown; problems: Problem[] } };
  action: string;
  children?: ReactNode;
}) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ "aria-label": common.close }}>
      <form onSubmit={form.onSubmit((values) => send.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...send.alert} />
          {children}
          <PasswordInput
            label={texts.currentPassword}
            description={texts.currentPasswordHint}
            autoComplete="current-password"
            data-autofocus={children ? undefined : true}
            {...form.getInputProps("currentPassword")}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={send.isPending}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
