import { NumberInput, Skeleton, Switch, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/client";
import { Confirm } from "~/components/confirm";
import { ErrorView } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { FormSection } from "~/components/form-section";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { texts } from "./-community.texts";

type Values = { forEver: boolean; historyRetentionDays: number | string };
const asked = ({ forEver, historyRetentionDays }: Values) => (forEver ? 0 : Number(historyRetentionDays));
const daysMin = 7;
const daysMax = 3650;
const daysUsual = 365;

const path = "/v1/communities/{communityId}/user-field-settings";

/** How long former values of fields are kept; the server's 0 is for ever. */
export function Histories() {
  const { _id: communityId } = useCommunity();
  const settings = useQuery({
    queryKey: ["field-settings", communityId],
    queryFn: async ({ signal }) => (await api.get(path, { path: { communityId }, signal })).data,
  });
  if (settings.error) return <ErrorView error={settings.error} retry={() => void settings.refetch()} height={160} />;
  if (!settings.data) return <Skeleton height={190} radius="lg" />;
  return <HistoriesForm days={settings.data.historyRetentionDays} key={settings.data.historyRetentionDays} />;
}

function HistoriesForm({ days }: { days: number }) {
  const { _id: communityId } = useCommunity();
  const queries = useQueryClient();
  const [confirming, setConfirming] = useState(false);
  // What is removed does not come back.
  const isShorter = (values: Values) => asked(values) !== 0 && (days === 0 || asked(values) < days);
  const form = useForm<Values>({
    initialValues: { forEver: days === 0, historyRetentionDays: days || daysUsual },
    validate: {
      historyRetentionDays: (value, all) =>
        all.forEver || (Number(value) >= daysMin && Number(value) <= daysMax) ? null : texts.historyRange,
    },
  });
  const send = useFormMutation(form, {
    mutationFn: async (values: Values) => {
      const body = { historyRetentionDays: asked(values), ...(isShorter(values) ? { confirm: true } : {}) };
      return (await api.put(path, { path: { communityId }, body })).data;
    },
    onSuccess: (after) => {
      queries.setQueryData(["field-settings", communityId], after);
      setConfirming(false);
      toast.done(texts.saved);
    },
    onError: () => setConfirming(false),
  });
  return (
    <>
      <FormSection
        title={texts.history}
        lead={texts.historyLead}
        form={form}
        send={send}
        onSubmit={(values) => (isShorter(values) ? setConfirming(true) : send.mutate(values))}
      >
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
      </FormSection>
      <Confirm
        opened={confirming}
        onClose={() => setConfirming(false)}
        title={texts.historyShorter}
        action={common.save}
        onConfirm={() => send.mutate(form.values)}
        pending={send.isPending}
      >
        <Text size="sm">{texts.historyShorterText(String(form.values.historyRetentionDays))}</Text>
      </Confirm>
    </>
  );
}
