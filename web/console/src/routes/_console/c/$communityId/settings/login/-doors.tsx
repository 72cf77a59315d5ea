import { Stack, Text } from "@mantine/core";
import { CopyText } from "~/components/copy-text";
import { Section } from "~/components/section";
import { useCommunity } from "~/session/community";
import { useMe } from "~/session/session";
import type { Settings } from "../-settings";
import { texts } from "./-login.texts";
import { SettingSwitch } from "./-setting-switch";

export function Doors({ settings }: { settings: Settings }) {
  const community = useCommunity();
  const me = useMe();
  const owner = community.role === "COMMUNITY_OWNER";
  const locksOut = !settings.secondFactorRequired && !me.secondFactor;
  const register = settings.host
    ? `https://${settings.host}/register`
    : `${window.location.origin}/register?community=${community._id}`;
  return (
    <Section title={texts.doors}>
      <Stack gap="md">
        <div>
          <SettingSwitch
            name="openRegistration"
            checked={settings.openRegistration}
            label={texts.openRegistration}
            hint={texts.openRegistrationHint}
          />
          {settings.openRegistration && (
            <Stack gap={2} mt="xs" pl={52}>
              <Text size="xs" c="dimmed">
                {texts.registerLink}
              </Text>
              <div style={{ overflowX: "auto" }}>
                <CopyText text={register} />
              </div>
            </Stack>
          )}
        </div>
        <SettingSwitch
          name="secondFactorRequired"
          checked={settings.secondFactorRequired}
          label={texts.factor}
          hint={locksOut ? `${texts.factorHint} ${texts.factorOwn}` : texts.factorHint}
          disabled={!owner || locksOut}
        />
        <SettingSwitch
          name="mailIncludePasswords"
          checked={settings.mailIncludePasswords}
          label={texts.mailPasswords}
          hint={texts.mailPasswordsHint}
        />
      </Stack>
    </Section>
  );
}
