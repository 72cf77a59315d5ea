import { Button, Group, Modal, Progress, Radio, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type RefObject, useRef, useState } from "react";
import { download } from "~/api/download";
import { ErrorAlert } from "~/components/error-view";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { texts } from "../-members.texts";
import type { Filter } from "./filter-model";

type Props = {
  opened: boolean;
  onClose: () => void;
  filter: Filter;
  shown: string[];
  /** A search is on, which the file does not follow. */
  searched: boolean;
  /** Of the filter, where it is known. */
  total: number | null;
};

export function ExportDialog(props: Props) {
  const abort = useRef<AbortController | null>(null);
  const close = () => {
    abort.current?.abort();
    props.onClose();
  };
  return (
    <Modal
      opened={props.opened}
      onClose={close}
      title={texts.exportTitle}
      closeButtonProps={{ "aria-label": common.close }}
    >
      <ExportForm {...props} onClose={close} abort={abort} />
    </Modal>
  );
}

function ExportForm({
  onClose,
  filter,
  shown,
  searched,
  total,
  abort,
}: Props & { abort: RefObject<AbortController | null> }) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const [columns, setColumns] = useState<"shown" | "all">("shown");
  const [layout, setLayout] = useState<"plain" | "bulk">("plain");
  const [bytes, setBytes] = useState(0);
  const narrowed = Object.keys(filter).length > 0;
  const run = useMutation({
    mutationFn: () => {
      abort.current = new AbortController();
      setBytes(0);
      return download("/v1/users/export", {
        community,
        name: "members.csv",
        signal: abort.current.signal,
        onProgress: setBytes,
        body: {
          filter,
          layout,
          ...(columns === "shown" && { fields: [...new Set(["user_id", "username", ...shown])] }),
        },
      });
    },
    onSuccess: ({ name, bytes: size }) => {
      toast.done(texts.exportDone(name, format.bytes(size)));
      onClose();
    },
  });
  const stopped = abort.current?.signal.aborted;
  const who = narrowed ? texts.exportFitting : texts.exportEverybody;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        run.mutate();
      }}
    >
      <Stack>
        <Text size="sm">{texts.exportLead(total === null ? who : `${who} (${format.integer(total)})`)}</Text>
        {searched && (
          <Text size="sm" c="dimmed">
            {texts.exportSearch}
          </Text>
        )}
        {!stopped && <ErrorAlert error={run.error} />}
        <Radio.Group
          label={texts.exportColumns}
          value={columns}
          onChange={(value) => setColumns(value as typeof columns)}
        >
          <Stack gap={8} mt={6}>
            <Radio value="shown" label={texts.exportShown} />
            <Radio value="all" label={texts.exportAll} />
          </Stack>
        </Radio.Group>
        <Radio.Group label={texts.exportFor} value={layout} onChange={(value) => setLayout(value as typeof layout)}>
          <Stack gap={8} mt={6}>
            <Radio value="plain" label={texts.exportPlain} description={texts.exportPlainHint} />
            <Radio value="bulk" label={texts.exportBulk} description={texts.exportBulkHint} />
          </Stack>
        </Radio.Group>
        {run.isPending && (
          <Stack gap={4}>
            <Progress value={100} animated aria-label={texts.exportTitle} />
            <Text size="xs" c="dimmed" aria-live="polite">
              {texts.exportRunning(format.bytes(bytes))}
            </Text>
          </Stack>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button type="submit" loading={run.isPending} data-autofocus>
            {texts.exportStart}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
