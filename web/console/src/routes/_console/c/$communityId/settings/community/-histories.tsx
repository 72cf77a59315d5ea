import { Button, NumberInput, Skeleton, Switch } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "~/api/client";
import { ErrorAlert, ErrorView } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { FormStack } from "~/components/form-stack";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { texts } from "./-community.texts";

type FieldSettings = { historyRetentionDays: number };
const daysMin = 7;
const daysMax = 3650;
const daysUsual = 365;

/** How long former values of fields are kept; the server's 0 is for ever. */
export function Histories() {
  const { _id: communityId } = useCommunity();
  const url = `/v1/communities/${communityId}/user-field-settings`;
  const settings = useQuery({
    queryKey: ["field-settings", communityId],
    queryFn: async ({ signal }) => ((await request("get", url, { signal })) as { data: FieldSettings }).data,
  });
  if (settings.error) return <ErrorView error={settings.error} retry={() => void settings.refetch()} height={160} />;
  if (!settings.data) return <Skeleton height={190} radius="lg" />;
  return <HistoriesForm url={url} days={settings.data.historyRetentionDays} key={settings.data.historyRetentionDays} />;
}

function HistoriesForm({ url, days }: { url: string; days: number }) {
  const { _id: communityId } = useCommunity();
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { forEver: days === 0, historyRetentionDays: (days || daysUsual) as number | string },
    validate: {
      historyRetentionDays: (value, all) =>
        all.forEver || (Number(value) >= daysMin && Number(value) <= daysMax) ? null : texts.historyRange,
    },
  });
  const send = useFormMutation(form, {
    mutationFn: async ({ forEver, historyRetentionDays }: typeof form.values) => {
      const body: FieldSettings = { historyRetentionDays: forEver ? 0 : Number(historyRetentionDays) };
      return ((await request("put", url, { body })) as { data: FieldSettings }).data;
    },
    onSuccess: (after) => {
      queries.setQueryData(["field-settings", communityId], after);
      toast.done(texts.saved);
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => send.mutate(values))} noValidate>
      <Section
        title={texts.history}
        lead={texts.historyLead}
        footer={
          <Button type="submit" loading={send.isPending} disabled={!form.isDirty()}>
            {common.save}
          </Button>
        }
      >
        <FormStack>
          <ErrorAlert {...send.alert} />
          <Switch label={texts.historyForEver} {...form.getInputProps("forEver", { type: "checkbox" })} />
          {!form.values.forEver && (
            <NumberInput
              label={texts.historyDays}
              min={daysMin}
              max={daysMax}
              clampBehavior="none"
              allowDecimal={false}
              allowNegative={false}
              suffix={` ${texts.days(Number(form.values.historyRetentionDays))}`}
              maw={320}
              {...form.getInputProps("historyRetentionDays")}
            />
          )}
        </FormStack>
      </Section>
    </form>
  );
}
