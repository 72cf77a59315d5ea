import { Button, Code, Group, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { useUnsaved } from "~/components/unsaved";
import { useCommunity } from "~/session/community";
import { useMe } from "~/session/session";
import { common } from "~/texts/common.texts";
import { type Settings, useChangeSettings } from "../-settings";
import { texts } from "./-login.texts";
import { SettingSwitch } from "./-setting-switch";

export function SecureAuth({ settings }: { settings: Settings }) {
  const community = useCommunity();
  const me = useMe();
  // Not every server says it.
  const mayName = "isOperator" in me && me.isOperator === true;
  const change = useChangeSettings(community._id);
  const form = useForm({ initialValues: { host: settings.host ?? "" } });
  const unsaved = useUnsaved(form.isDirty());
  const send = useFormMutation(form, {
    mutationFn: (values: { host: string }) => change({ host: values.host.trim() }),
    onSuccess: (after: Settings) => {
      form.setInitialValues({ host: after.host ?? "" });
      form.reset();
      toast.done(texts.saved);
    },
  });
  const host = settings.host ?? "club.example.org";
  return (
    <Section title={texts.secure} lead={texts.secureLead}>
      {unsaved.question}
      <Stack gap="md">
        {mayName ? (
          <form onSubmit={form.onSubmit((values) => send.mutate(values))} noValidate>
            <Stack gap="xs">
              <ErrorAlert {...send.alert} />
              <Group align="flex-end" gap="xs" wrap="nowrap">
                <TextInput
                  label={texts.host}
                  description={texts.hostHint}
                  placeholder="club.example.org"
                  maxLength={253}
                  autoCapitalize="none"
                  spellCheck={false}
                  flex={1}
                  maw={420}
                  {...form.getInputProps("host")}
                />
                <Button type="submit" variant="default" loading={send.isPending} disabled={!form.isDirty()}>
                  {common.save}
                </Button>
              </Group>
            </Stack>
          </form>
        ) : (
          <div>
            <Text size="sm" fw={500}>
              {texts.host}
            </Text>
            <Text size="xs" c="dimmed">
              {texts.hostOperator}
            </Text>
            <Text mt={2}>{settings.host ?? texts.noHost}</Text>
          </div>
        )}
        <SettingSwitch
          name="secureAuthAdministrators"
          checked={settings.secureAuthAdministrators}
          label={texts.administrators}
          hint={texts.administratorsHint}
          disabled={community.role !== "COMMUNITY_OWNER"}
        />
        <div>
          <Text size="sm" fw={500}>
            {texts.call}
          </Text>
          <Text size="xs" c="dimmed" mb={4}>
            {texts.callHint}
          </Text>
          <Code block tabIndex={0}>
            {`curl -H "x-api-key: $SYSTEM_KEY" \\\n  "https://${host}/api/secureAuth?action=login&userId=mia&accessLevel=0"`}
          </Code>
        </div>
      </Stack>
    </Section>
  );
}
