// The one table of the console. Sorting, paging and filtering happen on the server: the table shows what it is given and says what
// the viewer wants. While the first rows are loaded it is as high as they will be; while others are, the old ones stay, dimmed.
import { ActionIcon, Box, Group, Skeleton, Table, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { ArrowDown, ArrowUp, ChevronLeft, ChevronRight, ChevronsUpDown } from "lucide-react";
import type { ReactNode } from "react";
import { useFormat } from "~/format/format";
import { common } from "~/texts/common.texts";
import classes from "./data-table.module.css";
import { ErrorView } from "./error-view";

export type Column<T> = {
  id: string;
  header: string;
  /** Only readers hear the header: what stands below it shows what it is. */
  hidden?: boolean;
  cell: (row: T) => ReactNode;
  /** Right-aligned, digits of one width. */
  numeric?: boolean;
  /** Not shown on screens narrower than this. */
  from?: "sm" | "md" | "lg";
  /** The server's name for sorting by it; without one the column cannot be sorted. */
  sortKey?: string;
  width?: number;
};

export type Sort = { key: string; descending: boolean };
/** "createdAt:desc", as the API's lists take it. */
export const sortText = (sort: Sort) => `${sort.key}:${sort.descending ? "desc" : "asc"}`;

type Props<T> = {
  /** What the table lists; readers announce it. */
  label: string;
  columns: Column<T>[];
  rows: T[] | undefined;
  rowId: (row: T) => string;
  /** First load, or another page on its way. */
  loading?: boolean;
  error?: unknown;
  retry?: () => void;
  empty: ReactNode;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  footer?: ReactNode;
  skeletonRows?: number;
};

export function DataTable<T>(props: Props<T>) {
  const { label, columns, rows, rowId, loading, error, retry, empty, sort, onSort, footer, skeletonRows = 8 } = props;
  if (error && !rows) return <ErrorView error={error} retry={retry} />;
  if (rows ? rows.length === 0 : !loading) return <>{empty}</>;
  return (
    <Box>
      {/* A scrolling place must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways */}
      <section className={classes.scroll} aria-label={label} tabIndex={0}>
        <Table
          className={classes.table}
          aria-busy={loading || undefined}
          data-stale={(loading && rows !== undefined) || undefined}
          highlightOnHover
        >
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Header key={column.id} column={column} sort={sort} onSort={onSort} />
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows
              ? rows.map((row) => (
                  <Table.Tr key={rowId(row)}>
                    {columns.map(({ id, from, numeric, cell }) => (
                      <Table.Td key={id} data-from={from} data-numeric={numeric || undefined}>
                        {cell(row)}
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))
              : Array.from({ length: skeletonRows }, (_, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: rows that stand for none
                  <Table.Tr key={index}>
                    {columns.map(({ id, from }, place) => (
                      <Table.Td key={id} data-from={from}>
                        <Skeleton height={12} my={4} width={`${55 + ((index * 7 + place * 13) % 35)}%`} />
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
          </Table.Tbody>
        </Table>
      </section>
      {footer}
    </Box>
  );
}

function Header<T>({ column, sort, onSort }: { column: Column<T> } & Pick<Props<T>, "sort" | "onSort">) {
  const { header, hidden, sortKey, numeric } = column;
  const order =
    sortKey !== undefined && sort?.key === sortKey ? (sort.descending ? "descending" : "ascending") : undefined;
  const Arrow = order ? (order === "descending" ? ArrowDown : ArrowUp) : ChevronsUpDown;
  return (
    <Table.Th
      scope="col"
      w={column.width}
      data-from={column.from}
      data-numeric={numeric || undefined}
      aria-sort={order}
    >
      {sortKey && onSort ? (
        <UnstyledButton
          className={classes.sort}
          data-active={order !== undefined || undefined}
          onClick={() => onSort({ key: sortKey, descending: order ? order === "ascending" : (numeric ?? false) })}
        >
          {header}
          <Arrow size={13} aria-hidden />
        </UnstyledButton>
      ) : hidden ? (
        <VisuallyHidden>{header}</VisuallyHidden>
      ) : (
        header
      )}
    </Table.Th>
  );
}

/** What a table needs of the query that gives its rows, or the page that holds them. */
export function listed<T>(
  list: { isPending: boolean; isPlaceholderData: boolean; error: unknown; refetch: () => unknown },
  rows: T[] | undefined,
): Pick<Props<T>, "rows" | "loading" | "error" | "retry"> {
  return {
    rows,
    loading: list.isPending || list.isPlaceholderData,
    error: list.error,
    retry: () => void list.refetch(),
  };
}

/** "41–60 of 412" and the way on. For lists that go by page; `page` is from 1. */
export function PageBar({
  page,
  limit,
  total,
  onPage,
}: {
  page: number;
  limit: number;
  total: number;
  onPage: (page: number) => void;
}) {
  const format = useFormat();
  const from = total === 0 ? 0 : (page - 1) * limit + 1;
  const to = Math.min(page * limit, total);
  return (
    <Group justify="space-between" className={classes.bar}>
      <Text size="sm" c="dimmed" className="numeric" aria-live="polite">
        {common.rows(format.integer(from), format.integer(to), format.integer(total))}
      </Text>
      <Group gap={4}>
        <ActionIcon
          variant="default"
          aria-label={common.previous}
          disabled={page <= 1}
          onClick={() => onPage(page - 1)}
        >
          <ChevronLeft size={16} />
        </ActionIcon>
        <ActionIcon variant="default" aria-label={common.next} disabled={to >= total} onClick={() => onPage(page + 1)}>
          <ChevronRight size={16} />
        </ActionIcon>
      </Group>
    </Group>
  );
}
