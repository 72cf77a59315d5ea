import {
  ActionIcon,
  Box,
  Button,
  CloseButton,
  Group,
  Menu,
  NativeSelect,
  Paper,
  Stack,
  TextInput,
  Tooltip,
} from "@mantine/core";
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { keepPreviousData, type QueryKey, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Download, EllipsisVertical, FileSpreadsheet, Plus, RotateCcw, Search, UsersRound } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { download } from "~/api/download";
import { EmptyView, ErrorAlert, ErrorView } from "~/components/error-view";
import { Page } from "~/components/page";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { fieldsQuery } from "../-catalogue";
import { ColumnPicker, useShownColumns } from "./-list/column-picker";
import { columnsOf } from "./-list/columns";
import { ExportDialog } from "./-list/export-dialog";
import { AddCondition, FilterChips } from "./-list/filter-bar";
import type { Filter } from "./-list/filter-model";
import classes from "./-list/members.module.css";
import {
  canOrder,
  isReadAgain,
  type MemberRow,
  type MembersQuestion,
  membersPage,
  rowsNow,
  type TableData,
  tableKey,
  withRows,
} from "./-list/members-data";
import { MembersTable } from "./-list/members-table";
import { NewMember } from "./-list/new-member";
import { type Order, orders } from "./-list/orders";
import { RestoreMember } from "./-list/restore-member";
import { SegmentBar } from "./-list/segments";
import { texts } from "./-members.texts";

type Asked = { q?: string; filter?: Filter; order?: Order; segment?: string };

export const Route = createFileRoute("/_console/c/$communityId/members/")({
  validateSearch: (search): Asked => ({
    q: typeof search.q === "string" || typeof search.q === "number" ? String(search.q) || undefined : undefined,
    filter:
      typeof search.filter === "object" && search.filter !== null && !Array.isArray(search.filter)
        ? (search.filter as Filter)
        : undefined,
    order: orders.includes(search.order as Order) ? (search.order as Order) : undefined,
    segment: typeof search.segment === "string" ? search.segment : undefined,
  }),
  component: Members,
});

const typingPauseMs = 250;
/** Rows of a long table that are older are read again. */
const longTableStaleMs = 15_000;
const none: Filter = {};

function Members() {
  const { _id: community } = useCommunity();
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const filter = search.filter ?? none;
  const show = (next: Partial<Asked>) =>
    void navigate({
      search: (old) => {
        const all = { ...old, ...next };
        return { ...all, filter: all.filter && Object.keys(all.filter).length > 0 ? all.filter : undefined };
      },
      replace: true,
    });

  const fields = useQuery(fieldsQuery(community));
  const columns = useMemo(() => columnsOf(fields.data ?? [], texts.columnsOf), [fields.data]);
  const [shownNames, setShownNames] = useShownColumns(community);
  const shown = useMemo(
    () => shownNames.map((name) => columns.find(name)).filter((column) => column !== undefined),
    [shownNames, columns],
  );

  const [typed, setTyped] = useTypedSearch(search.q ?? "", (q) => show({ q: q || undefined }));
  const ordered = canOrder(filter) || !!search.q;
  const order: Order = search.order ?? "newest";
  // Columns of fields that are unknown yet cannot be asked for: the rows wait for the definitions, which come once.
  const names = useMemo(() => [...new Set([...shown.map((column) => column.name), "status"])], [shown]);
  const question = { search: search.q ?? "", filter, order: ordered ? order : ("oldest" as const), columns: names };
  const queryKey = [...tableKey(community), question] as const;
  const members = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => membersPage(community, question, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    enabled: fields.isSuccess,
    placeholderData: keepPreviousData,
    refetchOnMount: isReadAgain,
    refetchOnWindowFocus: isReadAgain,
    refetchOnReconnect: isReadAgain,
  });
  const readInSight = useReadInSight(community, question, queryKey);
  const rows = useMemo(() => members.data?.pages.flatMap((page) => page.rows), [members.data]);
  const total = members.data?.pages.find((page) => page.total !== null)?.total ?? null;
  const narrowed = question.search !== "" || Object.keys(filter).length > 0;
  const { fetchNextPage } = members;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);

  const searchBox = useRef<HTMLInputElement>(null);
  useHotkeys([["/", () => searchBox.current?.focus()]]);
  const [dialog, setDialog] = useState<"new" | "export" | "restore" | null>(null);
  const close = () => setDialog(null);
  const template = () =>
    download("/v1/users/bulk-update/templates/update", { community, name: "update.csv" })
      .then(({ name }) => toast.done(texts.templateDone(name)))
      .catch(toast.failed);

  const error = fields.error ?? (members.data ? null : members.error);
  return (
    <Page
      title={texts.title}
      actions={
        <>
          <Menu position="bottom-end" width={270}>
            <Menu.Target>
              <Tooltip label={texts.actions}>
                <ActionIcon variant="default" size={36} aria-label={texts.actions}>
                  <EllipsisVertical size={16} aria-hidden />
                </ActionIcon>
              </Tooltip>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<Download size={15} aria-hidden />} onClick={() => setDialog("export")}>
                {texts.exportCsv}
              </Menu.Item>
              <Menu.Item leftSection={<FileSpreadsheet size={15} aria-hidden />} onClick={() => void template()}>
                {texts.template}
              </Menu.Item>
              <Menu.Item leftSection={<RotateCcw size={15} aria-hidden />} onClick={() => setDialog("restore")}>
                {texts.restore}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
          <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setDialog("new")}>
            {texts.add}
          </Button>
        </>
      }
    >
      <Stack gap="sm">
        <Group gap="xs" wrap="wrap">
          <TextInput
            ref={searchBox}
            aria-label={texts.search}
            placeholder={texts.search}
            title={texts.searchHint}
            leftSection={<Search size={15} aria-hidden />}
            rightSection={
              typed && <CloseButton size="sm" aria-label={texts.clearSearch} onClick={() => setTyped("")} />
            }
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") event.currentTarget.blur();
            }}
            maxLength={190}
            flex="1 1 240px"
            maw={420}
          />
          <SegmentBar
            columns={columns}
            shown={shownNames}
            filter={filter}
            segmentId={search.segment ?? null}
            onShow={(segment) =>
              show({
                segment: segment?._id,
                filter: segment?.filter,
              })
            }
          />
          <AddCondition columns={columns} filter={filter} onChange={(next) => show({ filter: next })} />
          <Tooltip label={texts.orderFixed} disabled={ordered}>
            <NativeSelect
              aria-label={texts.order}
              value={ordered ? order : "oldest"}
              disabled={!ordered}
              onChange={(event) => {
                const next = event.currentTarget.value as Order;
                show({ order: next === "newest" ? undefined : next });
              }}
              data={orders.map((value) => ({ value, label: texts.orders[value] }))}
              flex="1 1 150px"
              maw={{ sm: 160 }}
            />
          </Tooltip>
          {/* Cards show the same of everybody. */}
          <Box visibleFrom="sm">
            <ColumnPicker columns={columns} shown={shownNames} onChange={setShownNames} />
          </Box>
        </Group>
        <FilterChips
          columns={columns}
          filter={filter}
          onChange={(next) =>
            show(Object.keys(next).length > 0 ? { filter: next } : { filter: undefined, segment: undefined })
          }
        />
        {members.data && !members.isFetchNextPageError && <ErrorAlert error={members.error} />}
        <Paper className={classes.frame}>
          {error ? (
            <ErrorView
              error={error}
              retry={() => void (fields.error ? fields.refetch() : members.refetch())}
              height={420}
            />
          ) : (
            <MembersTable
              key={JSON.stringify([question.search, question.filter, question.order])}
              rows={rows}
              columns={shown}
              total={total}
              stale={members.isPlaceholderData}
              hasMore={members.hasNextPage}
              loadingMore={members.isFetchingNextPage}
              moreFailed={members.isFetchNextPageError}
              onMore={more}
              onRest={readInSight}
              status={
                rows === undefined
                  ? texts.counting
                  : total === null
                    ? texts.foundSome
                    : narrowed
                      ? texts.found(total)
                      : texts.total(total)
              }
              empty={
                narrowed ? (
                  <EmptyView
                    icon={Search}
                    title={texts.nobodyFits}
                    height={420}
                    action={
                      <Button
                        variant="default"
                        onClick={() => {
                          setTyped("");
                          show({ q: undefined, filter: undefined, segment: undefined });
                        }}
                      >
                        {texts.showAll}
                      </Button>
                    }
                  >
                    {texts.nobodyFitsText}
                  </EmptyView>
                ) : (
                  <EmptyView
                    icon={UsersRound}
                    title={texts.nobody}
                    height={420}
                    action={<Button onClick={() => setDialog("new")}>{texts.add}</Button>}
                  >
                    {texts.nobodyText}
                  </EmptyView>
                )
              }
            />
          )}
        </Paper>
      </Stack>
      {dialog === "new" && <NewMember onClose={close} />}
      {dialog === "restore" && <RestoreMember onClose={close} />}
      <ExportDialog
        opened={dialog === "export"}
        onClose={close}
        filter={filter}
        shown={shown.map((column) => column.name)}
        searched={question.search !== ""}
        total={question.search === "" ? total : null}
      />
    </Page>
  );
}

/** Reads rows of a long table again that were there when the page was opened and are old, once each, when they come in sight. */
function useReadInSight(community: string, question: MembersQuestion, queryKey: QueryKey) {
  const queries = useQueryClient();
  const old = useRef<Set<string>>(null);
  if (old.current === null) {
    const query = queries.getQueryCache().find<TableData>({ queryKey });
    const isOld = query && !isReadAgain(query) && query.isStaleByTime(longTableStaleMs);
    old.current = new Set(isOld ? query.state.data!.pages.flatMap((page) => page.rows.map((row) => row.id)) : []);
  }
  const latest = useRef({ question, queryKey });
  useEffect(() => {
    latest.current = { question, queryKey };
  });
  const leaving = useRef(new AbortController());
  useEffect(() => {
    leaving.current = new AbortController();
    return () => leaving.current.abort();
  }, []);
  return useCallback(
    (rows: MemberRow[]) => {
      const ids = rows.map((row) => row.id).filter((id) => old.current?.delete(id));
      if (ids.length === 0) return;
      const { question, queryKey } = latest.current;
      // What could not be read stays as it was: it is no worse than before.
      rowsNow(community, question, ids, leaving.current.signal)
        .then((now) =>
          queries.setQueryData<TableData>(queryKey, (data) => data && withRows(data, ids, now), {
            updatedAt: queries.getQueryState(queryKey)?.dataUpdatedAt,
          }),
        )
        .catch(() => {});
    },
    [queries, community],
  );
}

/** What is typed is shown at once and asked for after a pause; another address (a link, the way back) changes what is shown. */
function useTypedSearch(asked: string, onAsk: (text: string) => void) {
  const [typed, setTyped] = useState(asked);
  const [settled] = useDebouncedValue(typed.trim(), typingPauseMs);
  const sent = useRef(asked);
  const ask = useRef(onAsk);
  useEffect(() => {
    ask.current = onAsk;
  });
  useEffect(() => {
    if (settled === sent.current) return;
    sent.current = settled;
    ask.current(settled);
  }, [settled]);
  useEffect(() => {
    if (asked === sent.current) return;
    sent.current = asked;
    setTyped(asked);
  }, [asked]);
  return [typed, setTyped] as const;
}
