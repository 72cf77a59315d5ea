import { Badge, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { isEmail, isNotEmpty, matches, useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { api } from "~/api/client";
import { Confirm } from "~/components/confirm";
import { CopyText } from "~/components/copy-text";
import { useFormMutation } from "~/components/form-mutation";
import { TextLink } from "~/components/link";
import { Page } from "~/components/page";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { forgetEverything, type Me, sessionQuery, useMe } from "~/session/session";
import { AccountDialog } from "./-current-password";
import { texts } from "./-me.texts";
import { Memberships } from "./-memberships";
import { ScopedNotice, useIsScoped } from "./-scoped";

export const Route = createFileRoute("/_console/me/")({ component: Profile });

function Profile() {
  const me = useMe();
  const scoped = useIsScoped();
  const [dialog, setDialog] = useState<"username" | "email" | "remove" | null>(null);
  const close = () => setDialog(null);
  return (
    <Page title={texts.profile} lead={texts.profileLead} width="form">
      {scoped && <ScopedNotice />}
      <Section title={texts.account}>
        <Stack gap="md">
          <Fact
            label={texts.username}
            action={!scoped && (() => setDialog("username"))}
            actionLabel={texts.changeUsername}
          >
            {me.username}
          </Fact>
          <Fact label={texts.email} action={!scoped && (() => setDialog("email"))} actionLabel={texts.changeEmail}>
            {me.email} {!me.emailVerified && <Badge color="yellow">{texts.notVerified}</Badge>}
            {me.pendingEmail && (
              <Text size="sm" c="dimmed">
                {texts.pending(me.pendingEmail)}{" "}
                <TextLink to="/verify-email" search={{ email: me.pendingEmail }}>
                  {texts.enterCode}
                </TextLink>
              </Text>
            )}
          </Fact>
          <Fact label={texts.shortId}>
            <Group gap="md">
              <CopyText text={me.id} />
              <CopyText text={me._id} />
            </Group>
          </Fact>
        </Stack>
      </Section>
      <Memberships />
      {!scoped && (
        <Section
          title={texts.remove}
          lead={texts.removeLead}
          actions={
            <Button color="red" variant="light" onClick={() => setDialog("remove")}>
              {texts.remove}
            </Button>
          }
        />
      )}
      {dialog === "username" && <ChangeUsername me={me} onClose={close} />}
      {dialog === "email" && <ChangeEmail me={me} onClose={close} />}
      <RemoveAccount me={me} opened={dialog === "remove"} onClose={close} />
    </Page>
  );
}

function Fact({
  label,
  action,
  actionLabel,
  children,
}: {
  label: string;
  action?: (() => void) | false;
  actionLabel?: string;
  children: ReactNode;
}) {
  return (
    <Group justify="space-between" wrap="nowrap" align="flex-start">
      <div>
        <Text size="sm" c="dimmed">
          {label}
        </Text>
        <Text component="div">{children}</Text>
      </div>
      {action && (
        <Button variant="default" onClick={action} aria-label={actionLabel}>
          {texts.change}
        </Button>
      )}
    </Group>
  );
}

function ChangeUsername({ me, onClose }: { me: Me; onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { username: me.username, currentPassword: "" },
    validate: {
      username: matches(/^\s*[A-Za-z0-9._-]{3,50}\s*$/, texts.usernameInvalid),
      currentPassword: isNotEmpty(texts.required),
    },
  });
  const send = useFormMutation(form, {
    mutationFn: (values: typeof form.values) =>
      api.patch("/account", { body: { ...values, username: values.username.trim() } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      toast.done(texts.saved);
      onClose();
    },
  });
  return (
    <AccountDialog onClose={onClose} title={texts.changeUsername} form={form} send={send} action={texts.change}>
      <TextInput
        label={texts.username}
        description={texts.usernameHint}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        data-autofocus
        {...form.getInputProps("username")}
      />
    </AccountDialog>
  );
}

function ChangeEmail({ me, onClose }: { me: Me; onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { email: "", currentPassword: "" },
    validate: { email: isEmail(texts.emailInvalid), currentPassword: isNotEmpty(texts.required) },
  });
  const send = useFormMutation(form, {
    mutationFn: (values: typeof form.values) =>
      api.patch("/account", { body: { ...values, email: values.email.trim() } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      toast.done(texts.emailAsked);
      onClose();
    },
  });
  return (
    <AccountDialog onClose={onClose} title={texts.changeEmail} form={form} send={send} action={texts.change}>
      <TextInput
        label={texts.newEmail}
        description={texts.emailHow}
        placeholder={me.email}
        type="email"
        autoComplete="email"
        data-autofocus
        {...form.getInputProps("email")}
      />
    </AccountDialog>
  );
}

function RemoveAccount({ me, opened, onClose }: { me: Me; opened: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => api.delete("/account"),
    onSuccess: () => {
      forgetEverything(queries);
      window.location.assign("/sign-in");
    },
  });
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={texts.removeTitle}
      action={texts.remove}
      onConfirm={() => remove.mutate()}
      pending={remove.isPending}
      error={remove.error}
      typed={{ word: me.username, label: texts.removeTyped(me.username) }}
    >
      <Text size="sm">{texts.removeLead}</Text>
    </Confirm>
  );
}
