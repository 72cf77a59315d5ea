import { Anchor, Button, Group, PasswordInput, Stack, TextInput } from "@mantine/core";
import { isEmail, isNotEmpty, matches, useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link, useRouter } from "@tanstack/react-router";
import { CircleAlert } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { GuestPage } from "~/components/guest-page";
import { toast } from "~/components/toast";
import { sessionQuery } from "~/session/session";
import { Broken } from "./-choose-password";
import { texts } from "./-guest.texts";
import { tokenSearch } from "./-token";

export const Route = createFileRoute("/verify-email")({
  validateSearch: (search): { token?: string; email?: string } => ({
    ...tokenSearch(search),
    email: typeof search.email === "string" ? search.email : undefined,
  }),
  component: VerifyEmail,
});

/** Who is signed in has changed his address; everybody else goes on to sign in. */
function useVerified() {
  const router = useRouter();
  const queries = useQueryClient();
  return async () => {
    await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
    const me = await queries.fetchQuery({ ...sessionQuery, staleTime: 0 }).catch(() => null);
    if (me) await router.navigate({ to: "/me", replace: true });
    else await router.navigate({ to: "/sign-in", search: { notice: "verified" }, replace: true });
  };
}

function VerifyEmail() {
  const { token, email } = Route.useSearch();
  const [byCode, setByCode] = useState(false);
  return token && !byCode ? <ByLink token={token} onCode={() => setByCode(true)} /> : <ByCode email={email ?? ""} />;
}

function ByLink({ token, onCode }: { token: string; onCode: () => void }) {
  const verified = useVerified();
  const form = useForm({ initialValues: { password: "" }, validate: { password: isNotEmpty(texts.required) } });
  const verify = useFormMutation(form, {
    mutationFn: ({ password }: { password: string }) => api.post("/auth/verify-email", { body: { token, password } }),
    onSuccess: verified,
  });
  if (verify.error instanceof ApiError && verify.error.code === "invalid_code")
    return (
      <Broken
        icon={CircleAlert}
        title={texts.usedUpTitle}
        text={texts.verifyUsedUpText}
        action={{ label: texts.useCode, onClick: onCode }}
      />
    );
  return (
    <GuestPage title={texts.verifyTitle} lead={texts.verifyLead}>
      <form onSubmit={form.onSubmit((values) => verify.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...verify.alert} />
          <PasswordInput
            label={texts.chosenPassword}
            autoComplete="current-password"
            autoFocus
            {...form.getInputProps("password")}
          />
          <Button type="submit" fullWidth loading={verify.isPending} size="md">
            {texts.verifyAction}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  );
}

function ByCode({ email }: { email: string }) {
  const verified = useVerified();
  const form = useForm({
    initialValues: { email, code: "" },
    validate: { email: isEmail(texts.emailInvalid), code: matches(/^\s*\d{6}\s*$/, texts.codeInvalid) },
  });
  const verify = useFormMutation(form, {
    mutationFn: (values: { email: string; code: string }) =>
      api.post("/auth/verify-email", { body: { email: values.email.trim(), code: values.code.trim() } }),
    onSuccess: verified,
  });
  const again = useMutation({
    mutationFn: () => api.post("/auth/verify-email/resend", { body: { email: form.values.email.trim() } }),
    onSuccess: () => toast.done(texts.sentAgain),
    onError: (error) => toast.failed(error),
  });
  return (
    <GuestPage
      title={texts.verifyTitle}
      lead={texts.verifyCodeLead}
      below={
        <Group justify="center" gap="md">
          <Anchor
            component="button"
            type="button"
            size="sm"
            onClick={() => !form.validateField("email").hasError && again.mutate()}
          >
            {texts.sendAgain}
          </Anchor>
          <Anchor component={Link} to="/sign-in" size="sm">
            {texts.toSignIn}
          </Anchor>
        </Group>
      }
    >
      <form onSubmit={form.onSubmit((values) => verify.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...verify.alert} />
          <TextInput
            label={texts.email}
            type="email"
            autoComplete="username"
            autoFocus={email === ""}
            {...form.getInputProps("email")}
          />
          <TextInput
            label={texts.code}
            inputMode="numeric"
            autoComplete="one-time-code"
            autoFocus={email !== ""}
            {...form.getInputProps("code")}
          />
          <Button type="submit" fullWidth loading={verify.isPending} size="md">
            {texts.verifyAction}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  );
}
