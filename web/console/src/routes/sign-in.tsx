import { Anchor, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createFileRoute, redirect, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { ErrorAlert } from "~/components/error-view";
import { GuestPage } from "~/components/guest-page";
import { type Challenge, sendSecondFactor, sessionQuery, signIn } from "~/session/session";
import { texts } from "./-guest.texts";

export const Route = createFileRoute("/sign-in")({
  validateSearch: (search): { next?: string } => ({ next: ownPath(search.next) }),
  beforeLoad: async ({ context, search }) => {
    if (await context.queries.ensureQueryData(sessionQuery).catch(() => null))
      throw redirect({ to: search.next ?? "/" });
  },
  component: SignIn,
});

/** A link must not lead from our sign-in to somebody else's page. */
function ownPath(value: unknown): string | undefined {
  return typeof value === "string" && /^\/(?![/\\])/.test(value) ? value : undefined;
}

function SignIn() {
  const { next } = Route.useSearch();
  const router = useRouter();
  const queries = useQueryClient();
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const enter = async () => {
    queries.clear();
    await router.invalidate();
    await router.navigate({ to: next ?? "/", replace: true });
  };
  return challenge ? (
    <SecondFactor challenge={challenge} onDone={enter} onBack={() => setChallenge(null)} />
  ) : (
    <Password onDone={(asked) => (asked ? setChallenge(asked) : enter())} />
  );
}

function Password({ onDone }: { onDone: (challenge: Challenge | null) => void }) {
  const form = useForm({
    initialValues: { name: "", password: "" },
    validate: { name: isNotEmpty(texts.required), password: isNotEmpty(texts.required) },
  });
  const attempt = useMutation({
    mutationFn: ({ name, password }: { name: string; password: string }) => signIn(name.trim(), password),
    onSuccess: onDone,
    onError: () => form.setFieldValue("password", ""),
  });
  return (
    <GuestPage title={texts.signIn} lead={texts.signInLead}>
      <form onSubmit={form.onSubmit((values) => attempt.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert error={attempt.error} />
          <TextInput
            label={texts.name}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            data-autofocus
            autoFocus
            {...form.getInputProps("name")}
          />
          <PasswordInput label={texts.password} autoComplete="current-password" {...form.getInputProps("password")} />
          <Button type="submit" fullWidth loading={attempt.isPending} size="md">
            {texts.signIn}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  );
}

function SecondFactor({ challenge, onDone, onBack }: { challenge: Challenge; onDone: () => void; onBack: () => void }) {
  const form = useForm({ initialValues: { code: "" }, validate: { code: isNotEmpty(texts.required) } });
  const attempt = useMutation({ mutationFn: (code: string) => sendSecondFactor(challenge, code), onSuccess: onDone });
  return (
    <GuestPage
      title={texts.factorTitle}
      lead={texts.factorLead}
      below={
        <Anchor component="button" type="button" size="sm" onClick={onBack}>
          {texts.otherAccount}
        </Anchor>
      }
    >
      <form onSubmit={form.onSubmit(({ code }) => attempt.mutate(code))} noValidate>
        <Stack>
          <ErrorAlert error={attempt.error} />
          <TextInput
            label={texts.code}
            autoComplete="one-time-code"
            inputMode="text"
            autoFocus
            {...form.getInputProps("code")}
          />
          <Button type="submit" fullWidth loading={attempt.isPending} size="md">
            {texts.send}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  );
}
