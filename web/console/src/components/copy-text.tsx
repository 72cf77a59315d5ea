import { ActionIcon, Code, Group, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { Check, Copy } from "lucide-react";
import { common } from "~/texts/common.texts";

/** An id or a key with a button that copies it. `value` is what is copied, when it is more than what is shown. */
export function CopyText({ text, value = text }: { text: string; value?: string }) {
  const clipboard = useClipboard({ timeout: 1500 });
  return (
    <Group gap={4} wrap="nowrap" display="inline-flex">
      <Code>{text}</Code>
      <Tooltip label={clipboard.copied ? common.copied : common.copy}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={`${common.copy} ${text}`}
          onClick={() => clipboard.copy(value)}
        >
          {clipboard.copied ? <Check size={14} /> : <Copy size={14} />}
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
