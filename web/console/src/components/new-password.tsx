import { Group, PasswordInput, type PasswordInputProps, Stack, Text } from "@mantine/core";
import { Check, Dot } from "lucide-react";
import { useId } from "react";
import { defineTexts } from "~/texts/texts";

const texts = defineTexts({
  en: {
    length: "8 to 128 characters",
    special: "one that is neither letter nor digit, such as - or !",
    own: "neither the username nor the e-mail address",
    met: "met",
    open: "not yet met",
    broken: "The password does not meet the rules below it.",
  },
});

const same = (a: string, b: string) => b !== "" && a.toLowerCase() === b.trim().toLowerCase();

/** The server's rules that can be judged here; it knows one more, the passwords that are guessed first. */
export function passwordRules(password: string, username = "", email = ""): { text: string; met: boolean }[] {
  const length = [...password.normalize("NFC")].length;
  return [
    { text: texts.length, met: length >= 8 && length <= 128 },
    { text: texts.special, met: /[^A-Za-z0-9]/.test(password) },
    { text: texts.own, met: password !== "" && !same(password, username) && !same(password, email) },
  ];
}

/** For the form's `validate`. */
export const passwordProblem = (password: string, username = "", email = ""): string | null =>
  passwordRules(password, username, email).every((rule) => rule.met) ? null : texts.broken;

/** A field for a password that is chosen now, with the rules and whether it meets them. */
export function NewPassword({
  username,
  email,
  ...props
}: PasswordInputProps & { value?: string; username?: string; email?: string }) {
  const rulesId = useId();
  return (
    <Stack gap={6}>
      <PasswordInput autoComplete="new-password" aria-describedby={rulesId} {...props} />
      <Stack gap={1} id={rulesId}>
        {passwordRules(String(props.value ?? ""), username, email).map((rule) => (
          <Group key={rule.text} gap={6} wrap="nowrap" align="flex-start">
            {rule.met ? (
              <Check size={15} color="var(--mantine-color-teal-text)" role="img" aria-label={texts.met} />
            ) : (
              <Dot size={15} color="var(--text-quiet)" role="img" aria-label={texts.open} />
            )}
            <Text size="xs" c="dimmed">
              {rule.text}
            </Text>
          </Group>
        ))}
      </Stack>
    </Stack>
  );
}
