import { Alert, Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { Check, Copy, KeyRound } from "lucide-react";
import type { ReactNode } from "react";
import { common } from "~/texts/common.texts";
import { defineTexts } from "~/texts/texts";

const texts = defineTexts({
  en: {
    once: "It is shown this once. Copy it now and keep it where secrets are kept: the server knows a hash of it alone.",
    copy: "Copy key",
    done: "I have stored it",
  },
});

/** A new secret that nobody can read again. No slip of the pointer closes it. */
export function ShownOnce({
  secret,
  title,
  label,
  onDone,
  children,
}: {
  /** null: closed. */
  secret: string | null;
  title: string;
  label: string;
  onDone: () => void;
  children?: ReactNode;
}) {
  const clipboard = useClipboard({ timeout: 3000 });
  return (
    <Modal
      opened={secret !== null}
      onClose={onDone}
      title={title}
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      size="lg"
    >
      <Stack>
        <Alert color="yellow" icon={<KeyRound size={18} aria-hidden />}>
          {texts.once}
        </Alert>
        <Textarea
          label={label}
          value={secret ?? ""}
          readOnly
          autosize
          minRows={1}
          onFocus={(event) => event.currentTarget.select()}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", wordBreak: "break-all" } }}
        />
        {children && (
          <Text size="sm" c="dimmed" component="div">
            {children}
          </Text>
        )}
        <Group justify="flex-end" gap="xs">
          <Button
            data-autofocus
            variant="default"
            leftSection={clipboard.copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
            onClick={() => clipboard.copy(secret ?? "")}
          >
            <span aria-live="polite">{clipboard.copied ? common.copied : texts.copy}</span>
          </Button>
          <Button onClick={onDone}>{texts.done}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
