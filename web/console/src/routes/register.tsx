import { Anchor, Button, PasswordInput, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { isEmail, isNotEmpty, matches, useForm } from "@mantine/form";
import { createFileRoute, Link, useRouter } from "@tanstack/react-router";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { GuestPage } from "~/components/guest-page";
import { NewPassword, passwordProblem } from "~/components/new-password";
import { texts } from "./-guest.texts";

export const Route = createFileRoute("/register")({
  validateSearch: (search): { community?: string } => ({
    community: search.community === undefined ? undefined : String(search.community),
  }),
  component: Register,
});

const empty = { firstname: "", lastname: "", username: "", email: "", password: "", confirmPassword: "" };

function Register() {
  const { community } = Route.useSearch();
  const router = useRouter();
  const form = useForm({
    initialValues: empty,
    validate: {
      firstname: isNotEmpty(texts.required),
      lastname: isNotEmpty(texts.required),
      username: matches(/^\s*[A-Za-z0-9._-]{3,50}\s*$/, texts.usernameInvalid),
      email: isEmail(texts.emailInvalid),
      password: (value, all) => passwordProblem(value, all.username, all.email),
      confirmPassword: (value, all) => (value === all.password ? null : texts.notEqual),
    },
  });
  const register = useFormMutation(form, {
    mutationFn: (values: typeof empty) =>
      api.post("/auth/register", {
        body: {
          ...values,
          username: values.username.trim(),
          email: values.email.trim(),
          displayname: `${values.firstname.trim()} ${values.lastname.trim()}`.slice(0, 50).trim(),
          communityId: community,
        },
      }),
    onSuccess: (_, values) => router.navigate({ to: "/verify-email", search: { email: values.email.trim() } }),
  });
  const below = (
    <Anchor component={Link} to="/sign-in" size="sm">
      {texts.haveAccount}
    </Anchor>
  );
  const code = register.error instanceof ApiError ? register.error.code : null;
  if (code === "registration_closed")
    return (
      <GuestPage title={texts.closedTitle} lead={texts.closedText} below={below}>
        {null}
      </GuestPage>
    );
  if (code === "community_required" || code === "community_not_found")
    return (
      <GuestPage title={texts.unknownTitle} lead={texts.unknownText} below={below}>
        {null}
      </GuestPage>
    );
  return (
    <GuestPage title={texts.registerTitle} lead={texts.registerLead} below={below} width={460}>
      <form onSubmit={form.onSubmit((values) => register.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...register.alert} />
          <SimpleGrid cols={2}>
            <TextInput
              label={texts.firstName}
              autoComplete="given-name"
              autoFocus
              {...form.getInputProps("firstname")}
            />
            <TextInput label={texts.lastName} autoComplete="family-name" {...form.getInputProps("lastname")} />
          </SimpleGrid>
          <TextInput label={texts.email} type="email" autoComplete="email" {...form.getInputProps("email")} />
          <TextInput
            label={texts.username}
            description={texts.usernameHint}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            {...form.getInputProps("username")}
          />
          <NewPassword
            label={texts.password}
            username={form.values.username}
            email={form.values.email}
            {...form.getInputProps("password")}
          />
          <PasswordInput label={texts.repeat} autoComplete="new-password" {...form.getInputProps("confirmPassword")} />
          <Button type="submit" fullWidth loading={register.isPending} size="md">
            {texts.registerAction}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  );
}
