import { Anchor, Button, Stack, Text, TextInput } from "@mantine/core";
import { isEmail, useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "~/api/client";
import { ErrorAlert } from "~/components/error-view";
import { GuestPage } from "~/components/guest-page";
import { toast } from "~/components/toast";
import { texts } from "./-guest.texts";

export const Route = createFileRoute("/forgot-password")({ component: ForgotPassword });

function ForgotPassword() {
  const form = useForm({ initialValues: { email: "" }, validate: { email: isEmail(texts.emailInvalid) } });
  const [sent, setSent] = useState(false);
  const ask = useMutation({
    mutationFn: (email: string) => api.post("/auth/forgot-password", { body: { email } }),
    onSuccess: () => setSent(true),
  });
  const below = (
    <Anchor component={Link} to="/sign-in" size="sm">
      {texts.toSignIn}
    </Anchor>
  );
  const email = form.values.email.trim();
  if (sent)
    return (
      <GuestPage title={texts.sentTitle} below={below}>
        <Stack role="status">
          <Text size="sm">{texts.sentText(email)}</Text>
          <Text size="sm" c="dimmed">
            {texts.sentNothing}
          </Text>
          <Button
            variant="default"
            loading={ask.isPending}
            onClick={() =>
              void ask
                .mutateAsync(email)
                .then(() => toast.done(texts.sentAgain))
                .catch(toast.failed)
            }
          >
            {texts.sendAgain}
          </Button>
        </Stack>
      </GuestPage>
    );
  return (
    <GuestPage title={texts.forgotTitle} lead={texts.forgotLead} below={below}>
      <form onSubmit={form.onSubmit((values) => ask.mutate(values.email.trim()))} noValidate>
        <Stack>
          <ErrorAlert error={ask.error} />
          <TextInput
            label={texts.email}
            type="email"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            {...form.getInputProps("email")}
          />
          <Button type="submit" fullWidth loading={ask.isPending} size="md">
            {texts.forgotSend}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  );
}
