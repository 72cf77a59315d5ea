// What the pages of members ask of the API.
//
// The table walks users/filter: it gives the columns that are shown and no others, a page costs the same however deep it lies, and
// the total is counted once for all pages. Two things it cannot do: look for a name's, username's or e-mail's beginning at once,
// and other orders than that of joining. The list of the community can, and knows neither conditions nor values. So a searched or
// otherwise ordered table takes its order from that list and its columns from the filter, a hundred members at a time.
import { type InfiniteData, type QueryClient, queryOptions } from "@tanstack/react-query";
import { type AnswerOf, api } from "~/api/client";
import type { Amount } from "~/api/json";
import type { Filter, Scalar } from "./filter-model";
import type { Order } from "./orders";

export type Cell = string | number | boolean | null | string[];
export type MemberRow = {
  /** Short id. */
  id: string;
  /** As the first column shows it. */
  name: string;
  username: string;
  avatar: string | null;
  cells: Record<string, Cell | undefined>;
};
export type MembersPage = { rows: MemberRow[]; total: number | null; next: string | null };

const sortOf: Record<Exclude<Order, "oldest">, string> = {
  newest: "createdAt:desc",
  name: "displayName:asc",
  xp: "xp:desc",
  seen: "lastLogin:desc",
};

export type MembersQuestion = { search: string; filter: Filter; order: Order; columns: string[] };

const listPage = 100; // the most that the list gives, and that one condition takes ids

async function filtered(
  community: string,
  columns: string[],
  filter: Record<string, unknown>,
  cursor: string | null,
  signal: AbortSignal,
) {
  const fields = [...new Set(["user_id", "username", "display_name", ...columns])];
  const { data } = await api.post("/v1/users/filter", {
    community,
    signal,
    body: { fields, filter, ...(cursor && { cursor }) },
  });
  return { ...data, users: data.users as Record<string, Cell>[] };
}

const rowOf = (cells: Record<string, Cell>, avatar: string | null): MemberRow => ({
  id: String(cells.user_id),
  name: String(cells.display_name || cells.username),
  username: String(cells.username),
  avatar,
  cells,
});

/** Whom the list of the community knows: conditions that it has words for go there, which makes its total right. */
function listConditions(filter: Filter): { query: Record<string, string>; rest: Filter } {
  const query: Record<string, string> = {};
  const rest: Filter = {};
  for (const [name, value] of Object.entries(filter)) {
    const inside = typeof value === "object" && value !== null && "in" in value ? value.in : [value as Scalar];
    const texts = inside.every((item) => typeof item === "string");
    if (texts && name === "status") query.status = inside.join(",");
    else if (texts && inside.length === 1 && (name === "role" || name === "tag")) query[name] = inside[0] as string;
    else rest[name] = value;
  }
  return { query, rest };
}

/** Other orders than that of joining are the list's, which knows few conditions. */
export const canOrder = (filter: Filter) => Object.keys(listConditions(filter).rest).length === 0;

/** So many pages of the list are looked through for one page of the table when other conditions leave nobody of them. */
const emptyPagesMax = 5;

async function fromList(community: string, question: MembersQuestion, cursor: string | null, signal: AbortSignal) {
  const { query, rest } = listConditions(question.filter);
  const conditions = Object.keys(rest).length > 0;
  let next = cursor;
  for (let pages = 1; ; pages++) {
    const list = await api.get("/v1/communities/{communityId}/users", {
      path: { communityId: community },
      query: {
        limit: listPage,
        sort: question.order === "oldest" ? "createdAt:asc" : sortOf[question.order],
        ...(question.search && { search: `keyword:${question.search}` }),
        ...query,
        ...(next && { cursor: next }),
      },
      signal,
    });
    next = list.meta.nextCursor ?? null;
    const ids = list.data.map((one) => String(one.id));
    const { users } =
      ids.length === 0
        ? { users: [] }
        : await filtered(community, question.columns, { ...rest, user_id: { in: ids } }, null, signal);
    const byId = new Map(users.map((user) => [String(user.user_id), user]));
    const rows = list.data.flatMap((one) => {
      const user = byId.get(String(one.id));
      return user ? [rowOf(user, one.avatar ?? null)] : [];
    });
    if (rows.length > 0 || next === null || pages === emptyPagesMax)
      return { rows, total: conditions ? null : (list.meta.total ?? null), next };
  }
}

/** A whole address has an index of its own; a search for the beginning of one passes over all members. */
const looksLikeEmail = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

export async function membersPage(
  community: string,
  question: MembersQuestion,
  cursor: string | null,
  signal: AbortSignal,
): Promise<MembersPage> {
  if (cursor === null && looksLikeEmail.test(question.search) && !("email" in question.filter)) {
    const { users } = await filtered(
      community,
      question.columns,
      { ...question.filter, email: question.search },
      null,
      signal,
    );
    if (users.length > 0) return { rows: users.map((user) => rowOf(user, null)), total: users.length, next: null };
  }
  if (question.search || (question.order !== "oldest" && canOrder(question.filter)))
    return fromList(community, question, cursor, signal);
  const data = await filtered(community, question.columns, question.filter, cursor, signal);
  return { rows: data.users.map((user) => rowOf(user, null)), total: data.total, next: data.next_cursor ?? null };
}

// ---- What was read of the table before
//
// To read an infinite query again is to read all of its pages, one after the other: two hundred for who has scrolled through
// twenty thousand members. A long table is kept instead, and its rows are read again when they come in sight.

export type TableData = InfiniteData<MembersPage, string | null>;
export const tableKey = (community: string) => ["members", community, "table"] as const;

const pagesReadAgain = 3;
const isLong = (data: unknown) => ((data as TableData | undefined)?.pages.length ?? 0) > pagesReadAgain;
/** Whether the whole table is read again by itself. */
export const isReadAgain = ({ state }: { state: { data?: unknown } }) => !isLong(state.data);

/** The rows of these members as they are now; who does not fit any more is not among them. */
export async function rowsNow(community: string, question: MembersQuestion, ids: string[], signal: AbortSignal) {
  const { users } = await filtered(
    community,
    question.columns,
    { ...question.filter, user_id: { in: ids } },
    null,
    signal,
  );
  return users.map((user) => rowOf(user, null));
}

/** The table with other rows in the place of those of `ids`; without those of them that have none. */
export function withRows(data: TableData, ids: string[], rows: MemberRow[]): TableData {
  const asked = new Set(ids);
  const now = new Map(rows.map((row) => [row.id, row]));
  let gone = 0;
  const pages = data.pages.map((page) => {
    if (!page.rows.some((row) => asked.has(row.id))) return page;
    const after = page.rows.flatMap((row) => {
      if (!asked.has(row.id)) return [row];
      const found = now.get(row.id);
      return found ? [{ ...found, avatar: row.avatar }] : [];
    });
    gone += page.rows.length - after.length;
    return { ...page, rows: after };
  });
  return { ...data, pages: pages.map((page) => ({ ...page, total: page.total === null ? null : page.total - gone })) };
}

/** Members came or went: what is shown of them is read again. Who went leaves long tables; who came is found at the top of them. */
export async function membersChanged(queries: QueryClient, community: string, gone?: string): Promise<void> {
  queries.setQueriesData<TableData>({ queryKey: tableKey(community) }, (data) => {
    if (!data || !isLong(data)) return data;
    if (gone) return withRows(data, [gone], []);
    return { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) };
  });
  await queries.invalidateQueries({
    queryKey: ["members", community],
    predicate: (query) => !(query.queryKey[2] === "table" && isLong(query.state.data)),
  });
}

// ---- One member

export type Member = AnswerOf<"post", "/v1/users/info">["data"];

/** Names a member beyond doubt: a username may look like anything. */
export const byId = (id: string) => `id:${id}`;

export const memberQuery = (community: string, id: string) =>
  queryOptions({
    queryKey: ["members", community, "one", id],
    queryFn: async ({ signal }) =>
      (await api.post("/v1/users/info", { community, body: { idOrEmail: byId(id) }, signal })).data,
  });

export type Balance = { currency: string; name: string; balance: Amount; earned: Amount };
export const balancesQuery = (community: string, id: string) =>
  queryOptions({
    queryKey: ["members", community, "balances", id],
    queryFn: async ({ signal }) =>
      (await api.post("/v1/users/balances", { community, body: { identifier: id, identifier_type: "id" }, signal }))
        .data.balances as Balance[],
  });

// ---- Segments

export type Segment = Omit<AnswerOf<"get", "/v1/segments">["data"][number], "filter"> & { filter: Filter };

export const segmentsQuery = (community: string) =>
  queryOptions({
    queryKey: ["segments", community, "all"],
    queryFn: async ({ signal }) => {
      const all: Segment[] = [];
      for (let page = 1; ; page++) {
        const answer = await api.get("/v1/segments", {
          query: { page, limit: listPage, sort: "name:asc" },
          community,
          signal,
        });
        all.push(...(answer.data as Segment[]));
        if (answer.data.length === 0 || all.length >= answer.pagination.total) return all;
      }
    },
  });

export const segmentCountQuery = (community: string, id: string) =>
  queryOptions({
    queryKey: ["segments", community, "count", id],
    queryFn: async ({ signal }) =>
      (await api.get("/v1/segments/{segmentId}/count", { path: { segmentId: id }, community, signal })).data.total,
  });
