import { Button, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, redirect, useRouter } from "@tanstack/react-router";
import { api } from "~/api/client";
import { ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { FormStack } from "~/components/form-stack";
import { Page } from "~/components/page";
import { Section } from "~/components/section";
import { ownTimeZone, TimeZoneSelect } from "~/components/time-zone-select";
import { useUnsaved } from "~/components/unsaved";
import { sessionQuery } from "~/session/session";
import { texts } from "../-start.texts";

export const Route = createFileRoute("/_console/me/new-community")({
  beforeLoad: ({ context }) => {
    if (!context.me.mayCreateCommunities) throw redirect({ to: "/" });
  },
  component: NewCommunity,
});

function NewCommunity() {
  const router = useRouter();
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { title: "", timeZone: ownTimeZone() },
    validate: { title: isNotEmpty(texts.required) },
  });
  const unsaved = useUnsaved(form.isDirty());
  const create = useFormMutation(form, {
    mutationFn: (values: typeof form.values) =>
      api.post("/servers", { body: { ...values, title: values.title.trim() } }),
    onSuccess: async ({ body }) => {
      await queries.fetchQuery({ ...sessionQuery, staleTime: 0 });
      await router.navigate({ to: "/c/$communityId/welcome", params: { communityId: body._id }, ignoreBlocker: true });
    },
  });
  return (
    <Page title={texts.create} lead={texts.createLead} width="form">
      <form onSubmit={form.onSubmit((values) => create.mutate(values))} noValidate>
        <Section
          title={texts.create}
          footer={
            <Button type="submit" loading={create.isPending}>
              {texts.createAction}
            </Button>
          }
        >
          <FormStack>
            <ErrorAlert {...create.alert} />
            <TextInput
              label={texts.name}
              placeholder={texts.nameExample}
              maxLength={100}
              autoFocus
              {...form.getInputProps("title")}
            />
            <TimeZoneSelect
              label={texts.timeZone}
              description={texts.timeZoneHint}
              {...form.getInputProps("timeZone")}
            />
          </FormStack>
        </Section>
      </form>
      {unsaved.question}
    </Page>
  );
}
