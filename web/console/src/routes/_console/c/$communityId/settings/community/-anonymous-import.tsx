// Whether people can be imported without a key. Its riskier answers are said in full, and the riskiest is asked about.
import { Radio, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { Confirm } from "~/components/confirm";
import { useFormMutation } from "~/components/form-mutation";
import { FormSection } from "~/components/form-section";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { type Settings, useChangeSettings } from "../-settings";
import { texts } from "./-community.texts";

type Policy = Settings["anonymousImport"];
const policies = ["off", "create_only", "full"] as const satisfies Policy[];

export function AnonymousImport({ settings }: { settings: Settings }) {
  const { _id: communityId, role } = useCommunity();
  const change = useChangeSettings(communityId);
  const [asked, setAsked] = useState<{ anonymousImport: Policy } | null>(null);
  const form = useForm({ initialValues: { anonymousImport: settings.anonymousImport } });
  const send = useFormMutation(form, {
    mutationFn: change,
    onSuccess: ({ anonymousImport }: Settings) => {
      form.setInitialValues({ anonymousImport });
      form.reset();
      setAsked(null);
      toast.done(texts.saved);
    },
    onError: () => setAsked(null),
  });
  const choice = (disabled: boolean) => (
    <Radio.Group label={texts.policy} {...form.getInputProps("anonymousImport")}>
      <Stack gap="sm" mt={6}>
        {policies.map((policy) => (
          <Radio
            key={policy}
            value={policy}
            label={texts.policies[policy]}
            description={texts.policyRisks[policy]}
            disabled={disabled}
          />
        ))}
      </Stack>
    </Radio.Group>
  );
  if (role !== "COMMUNITY_OWNER")
    return (
      <Section title={texts.anonymous} lead={texts.anonymousLead}>
        <Text size="sm" mb="sm">
          {texts.ownerAlone}
        </Text>
        {choice(true)}
      </Section>
    );
  return (
    <>
      <FormSection
        title={texts.anonymous}
        lead={texts.anonymousLead}
        form={form}
        send={send}
        onSubmit={(values) => (values.anonymousImport === "full" ? setAsked(values) : send.mutate(values))}
      >
        {choice(false)}
      </FormSection>
      <Confirm
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title={texts.fullTitle}
        action={texts.fullAction}
        onConfirm={() => asked && send.mutate(asked)}
        pending={send.isPending}
      >
        <Text size="sm">{texts.fullText}</Text>
      </Confirm>
    </>
  );
}
