// The pages behind the links of mails that let the holder of a mailbox choose a password.
import { Anchor, Button, Group, PasswordInput, Stack, Text, TextInput, ThemeIcon } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { CircleAlert, type LucideIcon, Unlink } from "lucide-react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { GuestPage } from "~/components/guest-page";
import { NewPassword, passwordProblem } from "~/components/new-password";
import { sessionQuery } from "~/session/session";
import { texts } from "./-guest.texts";

const wordsOf = {
  reset: { title: texts.resetTitle, lead: texts.resetLead, action: texts.resetAction, notice: "password" },
  set: { title: texts.setTitle, lead: texts.setLead, action: texts.resetAction, notice: "claimed" },
  claim: { title: texts.claimTitle, lead: texts.claimLead, action: texts.claimAction, notice: "claimed" },
} as const;

export function ChoosePassword({ kind, token }: { kind: keyof typeof wordsOf; token: string | undefined }) {
  const words = wordsOf[kind];
  const router = useRouter();
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { username: "", password: "", confirmPassword: "" },
    validate: {
      password: (value, all) => passwordProblem(value, all.username),
      confirmPassword: (value, all) => (value === all.password ? null : texts.notEqual),
    },
  });
  const choose = useFormMutation(form, {
    mutationFn: async (values: typeof form.values) => {
      const { username, ...rest } = values;
      // Without one there is no form.
      const body = { token: token!, ...rest, session: "cookie" as const };
      const answer = await (kind === "reset"
        ? api.post("/auth/reset-password", { body, ownUnauthorized: true })
        : api.post("/auth/claim", { body: { ...body, username: username.trim() || null }, ownUnauthorized: true }));
      return answer.body;
    },
    onSuccess: async ({ signedIn }) => {
      queries.removeQueries({ queryKey: sessionQuery.queryKey });
      await router.invalidate();
      if (signedIn) await router.navigate({ to: "/", replace: true });
      else await router.navigate({ to: "/sign-in", search: { notice: words.notice }, replace: true });
    },
  });

  if (!token) return <Broken icon={Unlink} title={texts.noTokenTitle} text={texts.noTokenText} />;
  if (choose.error instanceof ApiError && choose.error.code === "invalid_token")
    return <Broken icon={CircleAlert} title={texts.usedUpTitle} text={texts.usedUpText} />;
  return (
    <GuestPage title={words.title} lead={words.lead}>
      <form onSubmit={form.onSubmit((values) => choose.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...choose.alert} />
          {kind === "claim" && (
            <TextInput
              label={texts.otherUsername}
              description={texts.otherUsernameHint}
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              {...form.getInputProps("username")}
            />
          )}
          <NewPassword
            label={texts.newPassword}
            username={form.values.username}
            autoFocus
            {...form.getInputProps("password")}
          />
          <PasswordInput label={texts.repeat} autoComplete="new-password" {...form.getInputProps("confirmPassword")} />
          <Button type="submit" fullWidth loading={choose.isPending} size="md">
            {words.action}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  );
}

export function Broken({
  icon: Icon,
  title,
  text,
  action,
}: {
  icon: LucideIcon;
  title: string;
  text: string;
  /** Instead of asking for a new link. */
  action?: { label: string; onClick: () => void };
}) {
  return (
    <GuestPage
      title={title}
      below={
        <Anchor component={Link} to="/sign-in" size="sm">
          {texts.toSignIn}
        </Anchor>
      }
    >
      <Stack role="alert">
        <Group wrap="nowrap" align="flex-start" gap="sm">
          <ThemeIcon variant="light" color="yellow" size={36} radius="xl">
            <Icon size={18} aria-hidden />
          </ThemeIcon>
          <Text size="sm" flex={1}>
            {text}
          </Text>
        </Group>
        {action ? (
          <Button onClick={action.onClick}>{action.label}</Button>
        ) : (
          <Button component={Link} to="/forgot-password">
            {texts.newLink}
          </Button>
        )}
      </Stack>
    </GuestPage>
  );
}
