// What concerns the account is changed with its password; each such dialog asks for it last.
import { PasswordInput } from "@mantine/core";
import type { ReactNode } from "react";
import { FormModal } from "~/components/form-modal";
import type { Sending, SentForm } from "~/components/form-mutation";
import { texts } from "./-me.texts";

export function AccountDialog<V extends { currentPassword: string }>({
  children,
  ...dialog
}: {
  onClose: () => void;
  title: string;
  form: SentForm<V>;
  send: Sending<V>;
  action: string;
  children?: ReactNode;
}) {
  return (
    <FormModal {...dialog}>
      {children}
      <PasswordInput
        label={texts.currentPassword}
        description={texts.currentPasswordHint}
        autoComplete="current-password"
        data-autofocus={children ? undefined : true}
        {...dialog.form.getInputProps("currentPassword")}
      />
    </FormModal>
  );
}
