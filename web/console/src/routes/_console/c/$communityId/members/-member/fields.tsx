import { ActionIcon, Button, Group, Paper, Skeleton, Text, Title, Tooltip, UnstyledButton } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { History, ListPlus } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { EmptyView, ErrorView } from "~/components/error-view";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { fieldsQuery, type UserField } from "../../-catalogue";
import type { Member } from "../-list/members-data";
import { texts } from "../-member.texts";
import { FieldInput, fieldProblem, fieldText, isNumber, readFieldText } from "./field-input";
import classes from "./member.module.css";

type Values = Record<string, unknown>;

/** The community's own fields with the member's values; each is changed where it stands. */
export function Fields({ member, onHistory }: { member: Member; onHistory: (field: UserField) => void }) {
  const { _id: community } = useCommunity();
  const fields = useQuery(fieldsQuery(community));
  const custom = fields.data?.filter((field) => field.isCustom);
  const values = member.customFields as Values;
  return (
    <section aria-labelledby="member-fields">
      <Title order={2} id="member-fields" mb="sm">
        {texts.fields}
      </Title>
      <Paper>
        {fields.error && !fields.data ? (
          <ErrorView error={fields.error} retry={() => void fields.refetch()} height={200} />
        ) : !custom ? (
          <Skeleton height={276} radius="lg" />
        ) : custom.length === 0 ? (
          <EmptyView icon={ListPlus} title={texts.noFields} height={200}>
            {texts.noFieldsText}
          </EmptyView>
        ) : (
          custom.map((field) => (
            <FieldRow
              key={field._id}
              member={member}
              field={field}
              value={values[field.field]}
              onHistory={() => onHistory(field)}
            />
          ))
        )}
      </Paper>
    </section>
  );
}

function FieldRow({
  member,
  field,
  value,
  onHistory,
}: {
  member: Member;
  field: UserField;
  value: unknown;
  onHistory: () => void;
}) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const [draft, setDraft] = useState<string | null>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const shown = useRef<HTMLButtonElement>(null);
  const close = () => {
    setDraft(null);
    setRefused(null);
    // Whoever works by keyboard goes on from where he was.
    requestAnimationFrame(() => shown.current?.focus());
  };
  const save = useMutation({
    mutationFn: (sent: { value: unknown; before: unknown }) =>
      api.patch("/v1/communities/{communityId}/users/{userId}/user-fields", {
        path: { communityId: community, userId: member.userId },
        body: { customFields: [{ fieldIdorName: field._id, value: sent.value }] },
      }),
    onSuccess: async (_, sent) => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["members", community] }),
        queries.invalidateQueries({ queryKey: ["histories", community, member.userId] }),
      ]);
      setDraft(null);
      setRefused(null);
      toast.done(texts.fieldSaved(field.name), () => save.mutate({ value: sent.before ?? null, before: sent.value }));
      requestAnimationFrame(() => shown.current?.focus());
    },
    onError: (error) => {
      if (draft !== null && error instanceof ApiError && error.status < 500 && error.status > 0)
        setRefused(error.problems[0]?.message ?? error.message);
      else toast.failed(error);
    },
  });
  const problem = draft === null ? null : (fieldProblem(field, draft) ?? refused);
  const submit = () => {
    if (draft === null || fieldProblem(field, draft)) return;
    if (draft === fieldText(value)) close();
    else save.mutate({ value: readFieldText(field, draft), before: value });
  };
  const onKey = (event: KeyboardEvent) => {
    const ends =
      field.type === "multi-line-text"
        ? event.key === "Enter" && (event.ctrlKey || event.metaKey)
        : event.key === "Enter";
    if (ends) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  };
  return (
    <div className={classes.field} data-field={field.field}>
      <div className={classes.fieldName}>
        <Text size="sm" fw={500} title={field.description || undefined}>
          {field.name}
        </Text>
      </div>
      <div className={classes.editor}>
        {draft === null ? (
          <UnstyledButton
            ref={shown}
            className={classes.value}
            aria-label={`${texts.editField(field.name)}: ${fieldText(value) || texts.empty}`}
            onClick={() => setDraft(fieldText(value))}
          >
            <FieldValue field={field} value={value} />
          </UnstyledButton>
        ) : (
          <Group gap="xs" align="flex-start" wrap="wrap">
            <div style={{ flex: "1 1 200px" }}>
              <FieldInput
                field={field}
                value={draft}
                onChange={(text) => {
                  setDraft(text);
                  setRefused(null);
                }}
                error={problem}
                autoFocus
                onKeyDown={onKey}
              />
            </div>
            <Group gap={6}>
              <Button onClick={submit} loading={save.isPending} disabled={fieldProblem(field, draft) !== null}>
                {common.save}
              </Button>
              <Button variant="default" onClick={close} disabled={save.isPending}>
                {common.cancel}
              </Button>
            </Group>
          </Group>
        )}
      </div>
      <Tooltip label={texts.fieldHistory(field.name)}>
        <ActionIcon variant="subtle" color="gray" aria-label={texts.fieldHistory(field.name)} onClick={onHistory}>
          <History size={15} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

export function FieldValue({ field, value }: { field: Pick<UserField, "type">; value: unknown }) {
  const format = useFormat();
  if (value === null || value === undefined || value === "")
    return <span className={classes.quiet}>{texts.empty}</span>;
  if (typeof value === "boolean") return <>{value ? texts.yes : texts.no}</>;
  if (isNumber(field as UserField)) return <span className="numeric">{format.amount(value as number | string)}</span>;
  const text = Array.isArray(value) ? value.join(", ") : String(value);
  if (field.type === "date") return <>{text.length === 10 ? format.day(text) : format.dateTime(text)}</>;
  return <>{text}</>;
}
