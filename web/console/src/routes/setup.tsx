import { Anchor, Button, Group, SimpleGrid, Stack, Switch, Text, TextInput } from "@mantine/core";
import { isEmail, isNotEmpty, matches, useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, redirect, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { GuestPage } from "~/components/guest-page";
import { NewPassword, passwordProblem } from "~/components/new-password";
import { ownTimeZone, TimeZoneSelect } from "~/components/time-zone-select";
import { toast } from "~/components/toast";
import { setupQuery } from "~/session/setup";
import { common } from "~/texts/common.texts";
import { texts } from "./-setup.texts";

export const Route = createFileRoute("/setup")({
  beforeLoad: async ({ context }) => {
    const setup = await context.queries.ensureQueryData(setupQuery);
    if (!setup.needed) throw redirect({ to: "/" });
    return { codeRequired: setup.codeRequired };
  },
  component: Setup,
});

const ofAccount = ["code", "firstname", "lastname", "email", "username", "password"] as const;

/** "mia.lu@example.org" → "mia.lu", when that is a username. */
const usernameFrom = (email: string) =>
  email
    .split("@")[0]!
    .replace(/[^A-Za-z0-9._-]/g, "")
    .slice(0, 50);

function Setup() {
  const { codeRequired } = Route.useRouteContext();
  const router = useRouter();
  const queries = useQueryClient();
  const [step, setStep] = useState<"account" | "community">("account");
  const [usernameTouched, setUsernameTouched] = useState(false);
  const form = useForm({
    initialValues: {
      code: "",
      firstname: "",
      lastname: "",
      email: "",
      username: "",
      password: "",
      title: "",
      timeZone: ownTimeZone(),
      demo: false,
    },
    validate: {
      code: (value) => (codeRequired && value.trim() === "" ? texts.required : null),
      firstname: isNotEmpty(texts.required),
      lastname: isNotEmpty(texts.required),
      email: isEmail(texts.emailInvalid),
      username: matches(/^\s*[A-Za-z0-9._-]{3,50}\s*$/, texts.usernameInvalid),
      password: (value, all) => passwordProblem(value, all.username, all.email),
      title: (value) => (step === "community" && value.trim() === "" ? texts.required : null),
    },
  });
  const create = useFormMutation(form, {
    mutationFn: ({ code, ...values }: typeof form.values) =>
      api.post("/v1/setup", {
        body: {
          ...values,
          email: values.email.trim(),
          username: values.username.trim(),
          title: values.title.trim(),
          code: code.trim() || null,
        },
      }),
    onSuccess: async ({ data }) => {
      queries.clear();
      await router.invalidate();
      await router.navigate({
        to: "/c/$communityId/welcome",
        params: { communityId: data.community._id },
        replace: true,
      });
      if (data.demo && !data.demo.complete) toast.failed(null, texts.demoFailed);
    },
    onError: (error) => {
      if (!(error instanceof ApiError)) return;
      // What is wrong with the first step is mended there.
      if (error.problems.some((problem) => (ofAccount as readonly string[]).includes(problem.field.slice(1))))
        setStep("account");
      if (error.code === "already_set_up") void router.navigate({ to: "/sign-in" });
    },
  });
  const field = (name: keyof typeof form.values) => form.getInputProps(name);

  if (step === "account")
    return (
      <GuestPage title={texts.title} lead={texts.accountLead} below={texts.step(1, 2)} width={460}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!form.validate().hasErrors) setStep("community");
          }}
          noValidate
        >
          <Stack>
            <ErrorAlert {...create.alert} />
            {codeRequired && (
              <TextInput
                label={texts.code}
                description={`${texts.codeHint} ${texts.codeWhy}`}
                autoComplete="off"
                spellCheck={false}
                autoFocus
                {...field("code")}
              />
            )}
            <SimpleGrid cols={2}>
              <TextInput
                label={texts.firstName}
                autoComplete="given-name"
                autoFocus={!codeRequired}
                {...field("firstname")}
              />
              <TextInput label={texts.lastName} autoComplete="family-name" {...field("lastname")} />
            </SimpleGrid>
            <TextInput
              label={texts.email}
              type="email"
              autoComplete="email"
              autoCapitalize="none"
              spellCheck={false}
              {...field("email")}
              onChange={(event) => {
                const email = event.currentTarget.value;
                form.setFieldValue("email", email);
                if (!usernameTouched) form.setFieldValue("username", usernameFrom(email));
              }}
            />
            <TextInput
              label={texts.username}
              description={texts.usernameHint}
              inputWrapperOrder={["label", "input", "description", "error"]}
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              {...field("username")}
              onChange={(event) => {
                setUsernameTouched(true);
                form.setFieldValue("username", event.currentTarget.value);
              }}
            />
            <NewPassword
              label={texts.password}
              username={form.values.username}
              email={form.values.email}
              {...field("password")}
            />
            <Button type="submit" fullWidth size="md">
              {texts.next}
            </Button>
          </Stack>
        </form>
      </GuestPage>
    );
  return (
    <GuestPage
      title={texts.title}
      lead={texts.communityLead}
      below={
        <Group justify="center" gap="md">
          <Anchor component="button" type="button" size="sm" onClick={() => setStep("account")}>
            {common.back}
          </Anchor>
          <Text span size="sm">
            {texts.step(2, 2)}
          </Text>
        </Group>
      }
      width={460}
    >
      <form onSubmit={form.onSubmit((values) => create.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...create.alert} />
          <TextInput
            label={texts.community}
            placeholder={texts.communityExample}
            maxLength={100}
            autoFocus
            {...field("title")}
          />
          <TimeZoneSelect label={texts.timeZone} description={texts.timeZoneHint} {...field("timeZone")} />
          <Switch
            label={texts.demo}
            description={texts.demoHint}
            {...form.getInputProps("demo", { type: "checkbox" })}
          />
          <Button type="submit" fullWidth loading={create.isPending} size="md">
            {texts.create}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  );
}
