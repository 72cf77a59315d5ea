import { NumberInput, Select, Skeleton, Switch, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { isInRange, isNotEmpty, useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { type AnswerOf, api } from "~/api/client";
import { CopyText } from "~/components/copy-text";
import { ErrorView } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { FormSection } from "~/components/form-section";
import { Page } from "~/components/page";
import { TimeZoneSelect } from "~/components/time-zone-select";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { sessionQuery } from "~/session/session";
import { type Settings, settingsQuery, useChangeSettings } from "../-settings";
import { AnonymousImport } from "./-anonymous-import";
import { texts } from "./-community.texts";
import { Histories } from "./-histories";

export const Route = createFileRoute("/_console/c/$communityId/settings/community/")({ component: CommunitySettings });

type Server = AnswerOf<"get", "/servers">["body"][number];

const serverQuery = (communityId: string) => ({
  queryKey: ["server", communityId],
  queryFn: ({ signal }: { signal: AbortSignal }) => api.get("/servers", { community: communityId, signal }),
});

function CommunitySettings() {
  const { _id: communityId } = useCommunity();
  const server = useQuery({
    ...serverQuery(communityId),
    select: (answer) => answer.body.find((one) => one._id === communityId),
  });
  const settings = useQuery(settingsQuery(communityId));
  return (
    <Page title={texts.title} lead={texts.lead} width="form">
      {server.data ? (
        <General server={server.data} key={server.data.__v} />
      ) : server.error ? (
        <ErrorView error={server.error} retry={() => void server.refetch()} />
      ) : (
        <Skeleton height={560} radius="lg" mb="lg" />
      )}
      {settings.data ? (
        <>
          <Retention settings={settings.data} />
          <AnonymousImport settings={settings.data} />
        </>
      ) : settings.error ? (
        <ErrorView error={settings.error} retry={() => void settings.refetch()} />
      ) : (
        <Skeleton height={420} radius="lg" mb="lg" />
      )}
      <Histories />
    </Page>
  );
}

function General({ server }: { server: Server }) {
  const queries = useQueryClient();
  const form = useForm({
    initialValues: {
      title: server.title,
      description: server.description,
      timeZone: server.timeZone,
      defaultLanguage: server.defaultLanguage,
      languages: server.languages,
      isPublic: server.isPublic,
    },
    validate: { title: isNotEmpty(texts.required), defaultLanguage: isNotEmpty(texts.required) },
  });
  const send = useFormMutation(form, {
    mutationFn: (values: typeof form.values) =>
      api.put("/servers/{communityId}", {
        path: { communityId: server._id },
        body: { ...values, title: values.title.trim(), ifVersion: server.__v },
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["server", server._id] });
      // The sidebar shows the name, and all dates the zone.
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      toast.done(texts.saved);
    },
  });
  const languages = [...new Set([...form.values.languages, form.values.defaultLanguage])].filter(Boolean);
  return (
    <FormSection title={texts.general} form={form} send={send}>
      <TextInput label={texts.name} maxLength={100} autoComplete="off" {...form.getInputProps("title")} />
      <Textarea
        label={texts.description}
        description={texts.descriptionHint}
        autosize
        minRows={2}
        maxRows={8}
        maxLength={1000}
        {...form.getInputProps("description")}
      />
      <TimeZoneSelect label={texts.timeZone} description={texts.timeZoneHint} {...form.getInputProps("timeZone")} />
      <TagsInput
        label={texts.languages}
        description={texts.languagesHint}
        splitChars={[",", " "]}
        acceptValueOnBlur
        {...form.getInputProps("languages")}
        error={Object.entries(form.errors).find(([name]) => name.startsWith("languages"))?.[1]}
      />
      <Select
        label={texts.language}
        data={languages}
        allowDeselect={false}
        {...form.getInputProps("defaultLanguage")}
      />
      <Switch
        label={texts.isPublic}
        description={texts.isPublicHint}
        {...form.getInputProps("isPublic", { type: "checkbox" })}
      />
      <div>
        <Text size="sm" fw={500}>
          {texts.id}
        </Text>
        <Text size="xs" c="dimmed" mb={4}>
          {texts.idHint}
        </Text>
        <CopyText text={server._id} />
      </div>
    </FormSection>
  );
}

const daysMax = 365;

function Retention({ settings }: { settings: Settings }) {
  const { _id: communityId } = useCommunity();
  const change = useChangeSettings(communityId);
  const form = useForm({
    initialValues: {
      restoreDays: settings.restoreDays,
      fileRetentionDays: settings.fileRetentionDays,
      apiLogDays: settings.apiLogDays,
      logReads: settings.logReads,
    },
    validate: Object.fromEntries(
      ["restoreDays", "fileRetentionDays", "apiLogDays"].map((name) => [
        name,
        isInRange({ min: 1, max: daysMax }, texts.range(daysMax)),
      ]),
    ),
  });
  const send = useFormMutation(form, {
    mutationFn: change,
    onSuccess: (after: Settings) => {
      const { restoreDays, fileRetentionDays, apiLogDays, logReads } = after;
      form.setInitialValues({ restoreDays, fileRetentionDays, apiLogDays, logReads });
      form.reset();
      toast.done(texts.saved);
    },
  });
  const days = (name: "restoreDays" | "fileRetentionDays" | "apiLogDays", label: string, hint: string) => (
    <NumberInput
      label={label}
      description={hint}
      min={1}
      max={daysMax}
      clampBehavior="none"
      allowDecimal={false}
      allowNegative={false}
      suffix={` ${texts.days(Number(form.values[name]))}`}
      maw={320}
      {...form.getInputProps(name)}
    />
  );
  return (
    <FormSection title={texts.retention} lead={texts.retentionLead} form={form} send={send}>
      {days("restoreDays", texts.restoreDays, texts.restoreDaysHint)}
      {days("fileRetentionDays", texts.fileDays, texts.fileDaysHint)}
      {days("apiLogDays", texts.logDays, texts.logDaysHint)}
      <Switch
        label={texts.logReads}
        description={texts.logReadsHint}
        {...form.getInputProps("logReads", { type: "checkbox" })}
      />
    </FormSection>
  );
}
