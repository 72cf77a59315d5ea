import { Badge, Button, Group, Paper, Radio, Skeleton, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { PageBar } from "~/components/data-table";
import { EmptyView, ErrorView } from "~/components/error-view";
import { FormDialog } from "~/components/form-modal";
import { Moment } from "~/components/moment";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { byId, type Member } from "../-list/members-data";
import { texts } from "../-member.texts";
import { nameOf } from "./header";
import classes from "./member.module.css";

type Act = keyof typeof texts.acts;
const colors: Record<string, string> = { warn: "yellow", suspend: "orange", ban: "red", kick: "red", lift: "teal" };
const logItems = 20;

export function Moderation({ member }: { member: Member }) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const [act, setAct] = useState<Act | null>(null);
  const [page, setPage] = useState(1);
  const log = useQuery({
    queryKey: ["moderation", community, member.userId, page],
    queryFn: ({ signal }) =>
      api.get("/v1/users/moderation", {
        community,
        query: { user: byId(member.userId), page, limit: logItems },
        signal,
      }),
    placeholderData: keepPreviousData,
  });
  const acts: Act[] =
    member.status === "banned"
      ? ["lift", "warn", "kick"]
      : member.status === "suspended"
        ? ["lift", "warn", "suspend", "ban", "kick"]
        : ["warn", "suspend", "ban", "kick"];
  return (
    <section aria-labelledby="member-moderation">
      <Group justify="space-between" align="flex-end" mb="sm">
        <div>
          <Title order={2} id="member-moderation">
            {texts.moderation}
          </Title>
          <Text size="sm" c="dimmed">
            {texts.moderationLead}
          </Text>
        </div>
        <Group gap="xs">
          {acts.map((one) => (
            <Button
              key={one}
              variant={one === "lift" ? "filled" : "default"}
              c={one === "ban" || one === "kick" ? "var(--mantine-color-red-text)" : undefined}
              onClick={() => setAct(one)}
            >
              {texts.acts[one]}
            </Button>
          ))}
        </Group>
      </Group>
      <Paper>
        {log.error && !log.data ? (
          <ErrorView error={log.error} retry={() => void log.refetch()} height={200} />
        ) : !log.data ? (
          <Skeleton height={200} radius="lg" />
        ) : log.data.data.length === 0 ? (
          <EmptyView icon={ShieldCheck} title={texts.noLog} height={200}>
            {texts.noLogText}
          </EmptyView>
        ) : (
          <>
            {log.data.data.map((item) => (
              <div key={item._id} className={classes.item}>
                <Group justify="space-between" wrap="nowrap" align="flex-start">
                  <Group gap={8}>
                    <Badge color={colors[item.action] ?? "gray"}>
                      {texts.actNames[item.action as Act] ?? item.action}
                    </Badge>
                    {item.until && <Text size="sm">{texts.until(format.dateTime(item.until))}</Text>}
                    <Text size="xs" c="dimmed">
                      {texts.by(item.actor.name)}
                    </Text>
                  </Group>
                  <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
                    <Moment time={item.createdAt} />
                  </Text>
                </Group>
                <Text size="sm" mt={6} className={classes.change}>
                  {item.reason}
                </Text>
              </div>
            ))}
            {log.data.pagination.total > logItems && (
              <PageBar page={page} limit={logItems} total={log.data.pagination.total} onPage={setPage} />
            )}
          </>
        )}
      </Paper>
      {act && <ActForm member={member} act={act} onClose={() => setAct(null)} />}
    </section>
  );
}

const dayMs = 86_400_000;
const lengths = { day: dayMs, week: 7 * dayMs, month: 30 * dayMs } as const;
type Length = keyof typeof texts.durations;

function ActForm({ member, act, onClose }: { member: Member; act: Act; onClose: () => void }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const format = useFormat();
  const [reason, setReason] = useState("");
  const [length, setLength] = useState<Length>("week");
  const [day, setDay] = useState("");
  const [tried, setTried] = useState(false);
  const [idempotencyKey, setKey] = useState(() => crypto.randomUUID());
  const [opened] = useState(() => Date.now());
  const ends =
    act !== "suspend" || length === "open"
      ? null
      : length === "until"
        ? day && format.endOfDay(day)
        : new Date(opened + lengths[length]);
  const endProblem =
    act === "suspend" && length === "until" && (!ends || ends.getTime() <= opened) ? texts.inThePast : null;
  // What is changed after a refusal is another request.
  const change =
    <V,>(set: (value: V) => void) =>
    (value: V) => {
      set(value);
      setKey(crypto.randomUUID());
    };
  const send = useMutation({
    mutationFn: () =>
      api.post("/v1/users/moderation", {
        community,
        idempotencyKey,
        body: {
          action: act,
          user: byId(member.userId),
          reason: reason.trim(),
          ...(ends && { until: ends.toISOString() }),
        },
      }),
    onSuccess: async () => {
      if (act === "kick")
        await navigate({ to: "/c/$communityId/members", params: { communityId: community }, ignoreBlocker: true });
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["members", community] }),
        queries.invalidateQueries({ queryKey: ["moderation", community, member.userId] }),
      ]);
      toast.done(texts.actDone[act](nameOf(member)));
      onClose();
    },
  });
  return (
    <FormDialog
      title={texts.actTitles[act](nameOf(member))}
      onClose={onClose}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (reason.trim() !== "" && !endProblem) send.mutate();
      }}
      dirty={reason !== ""}
      pending={send.isPending}
      alert={{ error: send.error }}
      color={act === "ban" || act === "kick" ? "red" : undefined}
      action={texts.acts[act]}
    >
      <Text size="sm">{texts.actTexts[act]}</Text>
      {act === "suspend" && (
        <Radio.Group label={texts.howLong} value={length} onChange={(value) => change(setLength)(value as Length)}>
          <Stack gap={8} mt={6}>
            {(Object.keys(texts.durations) as Length[]).map((one) => (
              <Radio key={one} value={one} label={texts.durations[one]} />
            ))}
          </Stack>
        </Radio.Group>
      )}
      {act === "suspend" && length === "until" && (
        <TextInput
          label={texts.lastDay}
          type="date"
          value={day}
          onChange={(event) => change(setDay)(event.currentTarget.value)}
          error={tried ? endProblem : null}
        />
      )}
      {ends && !endProblem && (
        <Text size="sm" c="dimmed" aria-live="polite">
          {texts.endsAt(format.exact(ends))}
        </Text>
      )}
      <Textarea
        label={texts.why}
        value={reason}
        onChange={(event) => change(setReason)(event.currentTarget.value)}
        maxLength={500}
        autosize
        minRows={3}
        withAsterisk
        error={tried && reason.trim() === "" ? texts.whyNeeded : null}
        data-autofocus
      />
    </FormDialog>
  );
}
