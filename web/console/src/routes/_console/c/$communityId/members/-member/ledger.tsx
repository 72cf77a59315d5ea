// The entries that made a member's balances, the newest first, and the way to take one of them back.
import { Badge, Button, Center, Group, Loader, NativeSelect, Paper, Stack, Text, Title } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ReceiptText, Undo2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { EmptyView, ErrorAlert, ErrorView } from "~/components/error-view";
import { TextLink } from "~/components/link";
import { Moment } from "~/components/moment";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { millionthsOf } from "../-list/amount";
import { balancesQuery, type Member } from "../-list/members-data";
import { texts } from "../-member.texts";
import { Days } from "./days";
import { canBeReversed, type Entry, jobOf, ofJob, signedAmount } from "./entries";
import classes from "./member.module.css";
import { ReverseEntry } from "./reverse-entry";

const pageEntries = 50;

export function Ledger({
  member,
  currency,
  onCurrency,
}: {
  member: Member;
  currency: string | null;
  onCurrency: (currency: string | null) => void;
}) {
  const { _id: community } = useCommunity();
  const balances = useQuery(balancesQuery(community, member.userId));
  const names = new Map(balances.data?.map((one) => [one.currency, one.name]));
  const [asked, setAsked] = useState<Entry | null>(null);
  const entries = useInfiniteQuery({
    queryKey: ["members", community, "ledger", member.userId, currency],
    queryFn: ({ pageParam, signal }) =>
      api.get("/v1/ledger/entries", {
        community,
        query: {
          user_id: member.userId,
          limit: pageEntries,
          ...(currency && { currency }),
          ...(pageParam && { cursor: pageParam }),
        },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.pagination.nextCursor ?? null,
  });
  const items = entries.data?.pages.flatMap((page) => page.data);
  return (
    <section aria-labelledby="member-ledger">
      <Title order={2} id="member-ledger">
        {texts.ledger}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {texts.ledgerLead}
      </Text>
      <NativeSelect
        label={texts.ledgerCurrency}
        value={currency ?? ""}
        onChange={(event) => onCurrency(event.currentTarget.value || null)}
        data={[
          { value: "", label: texts.allCurrencies },
          ...(balances.data ?? []).map((one) => ({ value: one.currency, label: one.name })),
        ]}
        w={220}
        mb="sm"
      />
      <Paper>
        {entries.error && !items ? (
          <ErrorView error={entries.error} retry={() => void entries.refetch()} height={240} />
        ) : !items ? (
          <Center h={240}>
            <Loader size="sm" aria-label={common.loading} />
          </Center>
        ) : items.length === 0 && !entries.hasNextPage ? (
          <EmptyView icon={ReceiptText} title={texts.ledgerEmpty} height={240}>
            {texts.ledgerEmptyText}
          </EmptyView>
        ) : (
          <>
            <Entries items={items} names={names} onReverse={setAsked} />
            {entries.isFetchNextPageError && (
              <Stack p="md" pb={0}>
                <ErrorAlert error={entries.error} />
              </Stack>
            )}
            {entries.hasNextPage && (
              <Center p="sm">
                <Button
                  variant="default"
                  loading={entries.isFetchingNextPage}
                  onClick={() =>
                    // A place in the list is good for a day: after that it begins at its top again.
                    void (entries.error instanceof ApiError && entries.error.code === "invalid_cursor"
                      ? entries.refetch()
                      : entries.fetchNextPage())
                  }
                >
                  {texts.historyMore}
                </Button>
              </Center>
            )}
          </>
        )}
      </Paper>
      {asked && (
        <ReverseEntry
          member={member}
          entry={asked}
          currency={names.get(asked.currency) ?? asked.currency}
          onClose={() => setAsked(null)}
        />
      )}
    </section>
  );
}

function Entries({
  items,
  names,
  onReverse,
}: {
  items: Entry[];
  names: Map<string, string>;
  onReverse: (entry: Entry) => void;
}) {
  const shown = new Set(items.map((item) => item._id));
  // The other entry of a pair, where it is in the list.
  const other = (id: string, text: string): ReactNode =>
    shown.has(id) ? (
      <TextLink
        to="."
        hash={`entry-${id}`}
        search={(old) => old}
        replace
        size="xs"
        onClick={() => document.getElementById(`entry-${id}`)?.focus()}
      >
        {text}
      </TextLink>
    ) : (
      <Text size="xs" c="dimmed">
        {text}
      </Text>
    );
  return (
    <div>
      <Days items={items}>
        {(entry) => (
          <EntryRow
            key={entry._id}
            entry={entry}
            currency={names.get(entry.currency) ?? entry.currency}
            other={other}
            onReverse={onReverse}
          />
        )}
      </Days>
    </div>
  );
}

function EntryRow({
  entry,
  currency,
  other,
  onReverse,
}: {
  entry: Entry;
  currency: string;
  other: (id: string, text: string) => ReactNode;
  onReverse: (entry: Entry) => void;
}) {
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const given = millionthsOf(entry.amount) >= 0n;
  const amount = signedAmount(entry.amount, format);
  return (
    <div
      className={classes.entry}
      id={`entry-${entry._id}`}
      tabIndex={-1}
      data-reversed={!!entry.reversedBy || undefined}
    >
      <div className={classes.entryAmount}>
        <Text span fw={600} className={`numeric ${given ? classes.given : classes.taken}`}>
          {amount}
        </Text>{" "}
        <Text span size="sm">
          {currency}
        </Text>
      </div>
      <div className={classes.entryWhat}>
        <Group gap={8}>
          <Source entry={entry} />
          <Text size="xs" c="dimmed">
            {texts.by(entry.actor.name || entry.actor.type)}
          </Text>
          {entry.reversalOf && other(entry.reversalOf, texts.reversalOf)}
          {entry.reversedBy && (
            <>
              <Badge color="gray" variant="outline">
                {texts.takenBack}
              </Badge>
              {other(entry.reversedBy, texts.reversedBy)}
            </>
          )}
        </Group>
        {(entry.note || entry.reason) && (
          <Text size="sm" mt={4} className={classes.change}>
            {entry.reason && (
              <Text span c="dimmed" mr={entry.note ? 8 : 0}>
                {texts.reasonKinds[entry.reason as keyof typeof texts.reasonKinds] ?? entry.reason}
              </Text>
            )}
            {entry.note}
          </Text>
        )}
      </div>
      <div className={classes.entryBalance}>
        <Text size="sm" className="numeric">
          <Text span size="xs" c="dimmed" mr={6}>
            {texts.balanceAfter}
          </Text>
          {format.amount(entry.balanceAfter)}
        </Text>
        <Text size="xs" c="dimmed">
          <Moment time={entry.createdAt} />
        </Text>
      </div>
      <div className={classes.entryAction}>
        {entry.source.kind === "bulk" && (
          <TextLink
            to="/c/$communityId/bulk/$jobId"
            params={{ communityId, jobId: jobOf(entry) }}
            size="xs"
            title={texts.withJobHint}
          >
            {texts.withJob}
          </TextLink>
        )}
        {canBeReversed(entry) && (
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            leftSection={<Undo2 size={14} aria-hidden />}
            aria-label={texts.takeBackOf(`${amount} ${currency}`)}
            onClick={() => onReverse(entry)}
          >
            {texts.takeBack}
          </Button>
        )}
      </div>
    </div>
  );
}

/** What an entry came from, and where more is to be seen of it. */
function Source({ entry }: { entry: Entry }) {
  const { _id: communityId } = useCommunity();
  const { kind, id, label } = entry.source;
  const names: Record<string, string> = texts.entrySources;
  const name = entry.reversalOf ? texts.entryReversal : (names[kind] ?? kind);
  if (ofJob(entry)) {
    const row = id.split(":")[1];
    return (
      <>
        <Badge color="gray">{name}</Badge>
        <TextLink to="/c/$communityId/bulk/$jobId" params={{ communityId, jobId: jobOf(entry) }} size="xs">
          {label || texts.entryJob}
        </TextLink>
        {row && (
          <Text size="xs" c="dimmed">
            {texts.entryRow(row)}
          </Text>
        )}
      </>
    );
  }
  // What the key called it; a person's own is a random one.
  const reference = kind === "api_key" ? id.slice(id.indexOf(":") + 1) : "";
  return (
    <>
      <Badge color="gray">{name}</Badge>
      {(reference || label) && (
        <Text size="xs" c="dimmed" className={classes.change}>
          {label || reference}
        </Text>
      )}
    </>
  );
}
