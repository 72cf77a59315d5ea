import { Alert, Anchor, Button, Group, PasswordInput, Stack, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link, redirect, useRouter } from "@tanstack/react-router";
import { CircleCheck } from "lucide-react";
import { useState } from "react";
import { ApiError } from "~/api/errors";
import { ErrorAlert } from "~/components/error-view";
import { GuestPage } from "~/components/guest-page";
import { TextLink } from "~/components/link";
import { type Challenge, sendSecondFactor, sessionQuery, signIn } from "~/session/session";
import { setupQuery } from "~/session/setup";
import { texts } from "./-guest.texts";

const notices = ["password", "claimed", "verified"] as const;
type Notice = (typeof notices)[number];
type Search = { next?: string; notice?: Notice };

export const Route = createFileRoute("/sign-in")({
  validateSearch: (search): Search => ({
    next: ownPath(search.next),
    notice: notices.find((one) => one === search.notice),
  }),
  beforeLoad: async ({ context, search }) => {
    if (await context.queries.ensureQueryData(sessionQuery).catch(() => null))
      throw redirect({ to: search.next ?? "/" });
    // Nobody can sign in where nobody is.
    const setup = await context.queries.ensureQueryData(setupQuery).catch(() => null);
    if (setup?.needed) throw redirect({ to: "/setup" });
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
  const { notice } = Route.useSearch();
  const form = useForm({
    initialValues: { name: "", password: "" },
    validate: { name: isNotEmpty(texts.required), password: isNotEmpty(texts.required) },
  });
  const attempt = useMutation({
    mutationFn: ({ name, password }: { name: string; password: string }) => signIn(name.trim(), password),
    onSuccess: onDone,
    onError: () => form.setFieldValue("password", ""),
  });
  const notVerified = attempt.error instanceof ApiError && attempt.error.code === "email_not_verified";
  const name = form.values.name.trim();
  return (
    <GuestPage
      title={texts.signIn}
      lead={texts.signInLead}
      below={
        <Anchor component={Link} to="/forgot-password" size="sm">
          {texts.forgot}
        </Anchor>
      }
    >
      <form onSubmit={form.onSubmit((values) => attempt.mutate(values))} noValidate>
        <Stack>
          {notice && !attempt.error && (
            <Alert color="teal" icon={<CircleCheck size={18} aria-hidden />} role="status">
              {texts.notices[notice]}
            </Alert>
          )}
          <ErrorAlert error={attempt.error} />
          {notVerified && (
            <TextLink to="/verify-email" search={{ email: name.includes("@") ? name : undefined }}>
              {texts.enterCode}
            </TextLink>
          )}
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
  const [recovery, setRecovery] = useState(false);
  const form = useForm({ initialValues: { code: "" }, validate: { code: isNotEmpty(texts.required) } });
  const attempt = useMutation({
    mutationFn: (code: string) => sendSecondFactor(challenge, code),
    onSuccess: onDone,
    onError: () => form.setFieldValue("code", ""),
  });
  return (
    <GuestPage
      title={texts.factorTitle}
      lead={recovery ? texts.recoveryLead : texts.factorLead}
      below={
        <Group justify="center" gap="md">
          <Anchor
            component="button"
            type="button"
            size="sm"
            onClick={() => {
              form.reset();
              attempt.reset();
              setRecovery(!recovery);
            }}
          >
            {recovery ? texts.useApp : texts.useRecovery}
          </Anchor>
          <Anchor component="button" type="button" size="sm" onClick={onBack}>
            {texts.otherAccount}
          </Anchor>
        </Group>
      }
    >
      <form onSubmit={form.onSubmit(({ code }) => attempt.mutate(code))} noValidate>
        <Stack>
          <ErrorAlert error={attempt.error} />
          <TextInput
            key={recovery ? "recovery" : "app"}
            label={recovery ? texts.recoveryCode : texts.code}
            autoComplete={recovery ? "off" : "one-time-code"}
            inputMode={recovery ? "text" : "numeric"}
            spellCheck={false}
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
