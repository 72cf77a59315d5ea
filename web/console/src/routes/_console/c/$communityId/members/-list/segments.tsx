// Filters under a name, shared by all who run the community. The one that is shown stands in the page's address beside the
// conditions; they may be changed for a look and then saved, or not.
import {
  ActionIcon,
  Alert,
  Anchor,
  Badge,
  Button,
  Group,
  Menu,
  Popover,
  ScrollArea,
  Stack,
  Text,
  Textarea,
  TextInput,
  UnstyledButton,
} from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronDown, EllipsisVertical, Hash, Pencil, Shapes, Trash2, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { Confirm, useConfirmed } from "~/components/confirm";
import { ErrorAlert } from "~/components/error-view";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { texts } from "../-members.texts";
import type { Columns } from "./columns";
import { type Filter, sameFilter } from "./filter-model";
import { type Segment, segmentCountQuery, segmentsQuery } from "./members-data";
import classes from "./segments.module.css";

type Props = {
  columns: Columns;
  shown: string[];
  filter: Filter;
  segmentId: string | null;
  onShow: (segment: Segment | null) => void;
};
type Dialog = { kind: "save" } | { kind: "rename"; segment: Segment } | null;

export function SegmentBar({ columns, shown, filter, segmentId, onShow }: Props) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const segments = useQuery(segmentsQuery(community));
  const [opened, setOpened] = useState(false);
  const [dialog, setDialog] = useState<Dialog>(null);
  const current = segments.data?.find((one) => one._id === segmentId) ?? null;
  const changed = current !== null && !sameFilter(current.filter, filter);
  const reload = () => queries.invalidateQueries({ queryKey: ["segments", community] });

  const update = useMutation({
    mutationFn: (segment: Segment) =>
      api.put("/v1/segments/{segmentId}", {
        path: { segmentId: segment._id },
        community,
        body: { filter, columns: knownOf(shown, columns) },
      }),
    onSuccess: async (_, segment) => {
      await reload();
      toast.done(texts.updateSegmentDone(segment.name));
    },
    onError: (error) => toast.failed(error),
  });
  const removal = useConfirmed({
    act: (segment: Segment) => api.delete("/v1/segments/{segmentId}", { path: { segmentId: segment._id }, community }),
    onDone: async (_, segment) => {
      await reload();
      toast.done(texts.segmentDeleted(segment.name));
      if (segment._id === segmentId) onShow(null);
    },
  });
  const hasConditions = Object.keys(filter).length > 0;
  return (
    <>
      <Popover
        opened={opened}
        onChange={setOpened}
        position="bottom-start"
        width={340}
        trapFocus
        returnFocus
        shadow="md"
      >
        <Popover.Target>
          <Button
            variant="default"
            leftSection={<Shapes size={15} aria-hidden />}
            rightSection={<ChevronDown size={14} aria-hidden />}
            onClick={() => setOpened((open) => !open)}
            aria-label={current ? `${texts.segment}: ${current.name}` : texts.segments}
            maw={240}
          >
            <span className={classes.name}>{current?.name ?? texts.segments}</span>
            {changed && (
              <Text span size="xs" c="dimmed" ml={6}>
                {texts.changed}
              </Text>
            )}
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label={texts.segments} p="xs">
          <Stack gap="xs">
            {segments.error ? (
              <ErrorAlert error={segments.error} />
            ) : (
              <ScrollArea.Autosize mah="min(360px, 55vh)" type="auto">
                <UnstyledButton
                  className={classes.item}
                  data-active={(!current && !hasConditions) || undefined}
                  onClick={() => {
                    onShow(null);
                    setOpened(false);
                  }}
                >
                  {texts.everybody}
                </UnstyledButton>
                {segments.data?.map((segment) => (
                  <SegmentItem
                    key={segment._id}
                    segment={segment}
                    active={segment._id === segmentId}
                    onShow={() => {
                      onShow(segment);
                      setOpened(false);
                    }}
                    onRename={() => {
                      setOpened(false);
                      setDialog({ kind: "rename", segment });
                    }}
                    onDelete={() => {
                      setOpened(false);
                      removal.ask(segment);
                    }}
                  />
                ))}
                {segments.data?.length === 0 && (
                  <Stack gap={2} p={8}>
                    <Text size="sm" fw={500}>
                      {texts.noSegments}
                    </Text>
                    <Text size="sm" c="dimmed">
                      {texts.noSegmentsText}
                    </Text>
                  </Stack>
                )}
              </ScrollArea.Autosize>
            )}
            <Button
              variant="light"
              disabled={!hasConditions}
              onClick={() => {
                setOpened(false);
                setDialog({ kind: "save" });
              }}
            >
              {texts.saveSegment}
            </Button>
          </Stack>
        </Popover.Dropdown>
      </Popover>
      {current && changed && (
        <Group gap={6}>
          <Button variant="light" loading={update.isPending} onClick={() => update.mutate(current)}>
            {texts.updateSegment}
          </Button>
          <Anchor component="button" type="button" size="sm" onClick={() => onShow(current)}>
            {texts.discard}
          </Anchor>
        </Group>
      )}
      {current && current.broken.length > 0 && !changed && (
        <Alert color="orange" icon={<TriangleAlert size={17} aria-hidden />} w="100%">
          {texts.broken(current.broken.map((part) => `${part.kind} ${part.name}`).join(", "))}
        </Alert>
      )}
      {(dialog?.kind === "save" || dialog?.kind === "rename") && (
        <SaveDialog
          segment={dialog.kind === "rename" ? dialog.segment : null}
          filter={filter}
          columns={knownOf(shown, columns)}
          onClose={() => setDialog(null)}
          onSaved={async (segment, isNew) => {
            await reload();
            setDialog(null);
            toast.done(texts.segmentSaved(segment.name));
            if (isNew) onShow(segment);
          }}
        />
      )}
      <Confirm
        {...removal.dialog}
        title={removal.item ? texts.deleteSegmentTitle(removal.item.name) : ""}
        action={texts.deleteSegment}
      >
        <Text size="sm">{texts.deleteSegmentText}</Text>
      </Confirm>
    </>
  );
}

const knownOf = (names: string[], columns: Columns) => names.filter((name) => columns.find(name));

function SegmentItem({
  segment,
  active,
  onShow,
  onRename,
  onDelete,
}: {
  segment: Segment;
  active: boolean;
  onShow: () => void;
  onRename: () => void;
  onDelete: () => void;
}) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  // Counting goes through everybody who fits: it is done for who asks.
  const [asked, setAsked] = useState(false);
  const count = useQuery({ ...segmentCountQuery(community, segment._id), enabled: asked });
  return (
    <Group gap={0} wrap="nowrap">
      <UnstyledButton
        className={classes.item}
        data-active={active || undefined}
        onClick={onShow}
        title={segment.description}
      >
        <span className={classes.name}>{segment.name}</span>
        {segment.broken.length > 0 && (
          <Badge color="orange" ml={6}>
            {texts.brokenBadge}
          </Badge>
        )}
        {count.data !== undefined && (
          <Text span size="xs" c="dimmed" ml={8} className="numeric" aria-live="polite">
            {format.integer(count.data)}
          </Text>
        )}
        {count.isError && (
          <Text span size="xs" c="red" ml={8}>
            {count.error.message}
          </Text>
        )}
      </UnstyledButton>
      <Menu position="bottom-end" withinPortal={false}>
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={texts.segmentActions(segment.name)}
            loading={count.isFetching}
          >
            <EllipsisVertical size={15} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<Hash size={14} aria-hidden />}
            closeMenuOnClick
            onClick={() => (asked ? void count.refetch() : setAsked(true))}
          >
            {texts.count}
          </Menu.Item>
          <Menu.Item leftSection={<Pencil size={14} aria-hidden />} onClick={onRename}>
            {texts.rename}
          </Menu.Item>
          <Menu.Item color="red" leftSection={<Trash2 size={14} aria-hidden />} onClick={onDelete}>
            {texts.deleteSegment}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

function SaveDialog({
  segment,
  filter,
  columns,
  onClose,
  onSaved,
}: {
  /** The one that is named anew; none: a new one is made of what is shown. */
  segment: Segment | null;
  filter: Filter;
  columns: string[];
  onClose: () => void;
  onSaved: (segment: Segment, isNew: boolean) => void;
}) {
  const { _id: community } = useCommunity();
  const form = useForm({
    initialValues: { name: segment?.name ?? "", description: segment?.description ?? "" },
    validate: { name: isNotEmpty(common.isNeeded(texts.segmentName)) },
  });
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const send = useFormMutation(form, {
    mutationFn: (values: typeof form.values) =>
      segment
        ? api.put("/v1/segments/{segmentId}", { path: { segmentId: segment._id }, community, body: values })
        : api.post("/v1/segments", { community, idempotencyKey, body: { ...values, filter, columns } }),
    onSuccess: (answer) => onSaved(answer.data as Segment, segment === null),
  });
  return (
    <FormModal
      title={segment ? texts.renameSegment : texts.saveSegment}
      onClose={onClose}
      form={form}
      send={send}
      action={common.save}
    >
      {!segment && (
        <Text size="sm" c="dimmed">
          {texts.saveSegmentLead}
        </Text>
      )}
      <TextInput label={texts.segmentName} maxLength={100} data-autofocus {...form.getInputProps("name")} />
      <Textarea
        label={`${texts.segmentDescription} (${common.optional})`}
        maxLength={500}
        autosize
        minRows={2}
        {...form.getInputProps("description")}
      />
    </FormModal>
  );
}
