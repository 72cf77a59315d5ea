// What has changed of a member's values: all of it, or one field's. The newest first; older ones are loaded when they are asked for.
import {
  Badge,
  Button,
  Center,
  Drawer,
  Group,
  Loader,
  NativeSelect,
  Paper,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ArrowRight, History as HistoryIcon } from "lucide-react";
import { useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { EmptyView, ErrorView } from "~/components/error-view";
import { Moment } from "~/components/moment";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { fieldsQuery, type UserField } from "../../-catalogue";
import { texts } from "../-member.texts";
import { Days } from "./days";
import { FieldValue } from "./fields";
import classes from "./member.module.css";

type Item = AnswerOf<"get", "/v1/communities/{communityId}/users/{userId}/user-field-histories">["data"][number];
type Question = { fieldId?: string; startDate?: string; endDate?: string };

const pageItems = 50;

function useHistory(userId: string, question: Question) {
  const { _id: communityId } = useCommunity();
  return useInfiniteQuery({
    queryKey: ["histories", communityId, userId, question],
    queryFn: async ({ pageParam, signal }) => {
      const { fieldId, ...days } = question;
      const path = { communityId, userId };
      const query = { limit: pageItems, skipTotal: true, ...days, ...(pageParam && { cursor: pageParam }) };
      return fieldId
        ? api.get("/v1/communities/{communityId}/users/{userId}/user-fields/{fieldId}/histories", {
            path: { ...path, fieldId },
            query,
            signal,
          })
        : api.get("/v1/communities/{communityId}/users/{userId}/user-field-histories", { path, query, signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.meta.nextCursor ?? null,
  });
}

function Items({ memberId, question, named }: { memberId: string; question: Question; named: boolean }) {
  const history = useHistory(memberId, question);
  const items = history.data?.pages.flatMap((page) => page.data);
  if (history.error && !items)
    return <ErrorView error={history.error} retry={() => void history.refetch()} height={200} />;
  if (!items)
    return (
      <Center h={200}>
        <Loader size="sm" aria-label={common.loading} />
      </Center>
    );
  // A page may be short, or empty, although older ones follow.
  if (items.length === 0 && !history.hasNextPage)
    return (
      <EmptyView icon={HistoryIcon} title={texts.historyEmpty} height={200}>
        {texts.historyEmptyText}
      </EmptyView>
    );
  return (
    <>
      <Days items={items}>{(item) => <Change key={item._id} item={item} named={named} />}</Days>
      {history.hasNextPage && (
        <Center p="sm">
          <Button variant="default" loading={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
            {texts.historyMore}
          </Button>
        </Center>
      )}
    </>
  );
}

function Change({ item, named }: { item: Item; named: boolean }) {
  const source = texts.sources[item.source.kind as keyof typeof texts.sources] ?? item.source.kind;
  const who = item.creator && (item.creator.displayName || item.creator.username);
  const why = item.reason || item.note;
  return (
    <div className={classes.item}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="md">
        <Text size="sm" component="div" className={classes.change} miw={0}>
          {named && (
            <Text span fw={500} mr={8}>
              {item.userField.name}
            </Text>
          )}
          <Text span c="dimmed">
            <FieldValue field={item.userField as Pick<UserField, "type">} value={item.previousValue} />
          </Text>
          <ArrowRight size={13} aria-label="→" style={{ margin: "0 8px", verticalAlign: "-2px" }} />
          <FieldValue field={item.userField as Pick<UserField, "type">} value={item.value} />
        </Text>
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
          <Moment time={item.createdAt} />
        </Text>
      </Group>
      <Group gap={8} mt={4}>
        <Badge color="gray">{source}</Badge>
        {item.source.label && (
          <Text size="xs" c="dimmed">
            {item.source.label}
          </Text>
        )}
        {who && (
          <Text size="xs" c="dimmed">
            {texts.by(who)}
          </Text>
        )}
      </Group>
      {why && (
        <Text size="sm" mt={4}>
          {why}
        </Text>
      )}
    </div>
  );
}

/** The whole of it, to be narrowed by field and days. */
export function History({ memberId }: { memberId: string }) {
  const { _id: community } = useCommunity();
  const fields = useQuery(fieldsQuery(community));
  const [fieldId, setFieldId] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  return (
    <section aria-labelledby="member-history">
      <Title order={2} id="member-history">
        {texts.history}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {texts.historyLead}
      </Text>
      <Group gap="sm" mb="sm" align="flex-end">
        <NativeSelect
          label={texts.historyField}
          value={fieldId}
          onChange={(event) => setFieldId(event.currentTarget.value)}
          data={[
            { value: "", label: texts.allFields },
            ...(fields.data ?? []).map((field) => ({ value: field._id, label: field.name })),
          ]}
          w={220}
        />
        <TextInput
          label={texts.from}
          type="date"
          value={from}
          onChange={(event) => setFrom(event.currentTarget.value)}
          w={150}
        />
        <TextInput
          label={texts.to}
          type="date"
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
          w={150}
        />
      </Group>
      <Paper>
        <Items
          memberId={memberId}
          named={fieldId === ""}
          question={{
            ...(fieldId && { fieldId }),
            ...(from && { startDate: from }),
            ...(to && { endDate: to }),
          }}
        />
      </Paper>
    </section>
  );
}

export function FieldHistory({
  memberId,
  field,
  onClose,
}: {
  memberId: string;
  field: UserField | null;
  onClose: () => void;
}) {
  return (
    <Drawer
      opened={field !== null}
      onClose={onClose}
      position="right"
      size="md"
      title={field ? texts.fieldHistory(field.name) : ""}
      closeButtonProps={{ "aria-label": common.close }}
      padding={0}
      styles={{ header: { padding: "var(--mantine-spacing-md)" } }}
    >
      {field && (
        <Stack gap={0}>
          <Items memberId={memberId} question={{ fieldId: field._id }} named={false} />
        </Stack>
      )}
    </Drawer>
  );
}
