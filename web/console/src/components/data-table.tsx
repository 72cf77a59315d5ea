// The one table of the console. Sorting, paging and filtering happen on the server: the table shows what it is given and says what
// the viewer wants. While the first rows are loaded it is as high as they will be; while others are, the old ones stay, dimmed.
import { ActionIcon, Box, Checkbox, Group, Skeleton, Table, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import {
  type ColumnDef,
  flexRender,
  getCoreRowModel,
  type RowData,
  type RowSelectionState,
  useReactTable,
} from "@tanstack/react-table";
import { ArrowDown, ArrowUp, ChevronLeft, ChevronRight, ChevronsUpDown } from "lucide-react";
import type { ReactNode } from "react";
import { useFormat } from "~/format/format";
import { common } from "~/texts/common.texts";
import classes from "./data-table.module.css";
import { ErrorView } from "./error-view";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData extends RowData, TValue> {
    /** Right-aligned, digits of one width. */
    numeric?: boolean;
    /** Not shown on screens narrower than this. */
    from?: "sm" | "md" | "lg";
    /** The server's name for sorting by it; without one the column cannot be sorted. */
    sortKey?: string;
    width?: number | string;
    /** The column's name where its header is no text (actions). */
    name?: string;
  }
}

export type Sort = { key: string; descending: boolean };
/** "createdAt:desc", as the API's lists take it. */
export const sortText = (sort: Sort) => `${sort.key}:${sort.descending ? "desc" : "asc"}`;

type Props<T> = {
  /** What the table lists; readers announce it. */
  label: string;
  columns: ColumnDef<T, unknown>[];
  rows: T[] | undefined;
  rowId: (row: T) => string;
  /** First load, or another page on its way. */
  loading?: boolean;
  error?: unknown;
  retry?: () => void;
  empty: ReactNode;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  selection?: RowSelectionState;
  onSelection?: (selection: RowSelectionState) => void;
  /** A row's name for its check box. */
  rowName?: (row: T) => string;
  footer?: ReactNode;
  skeletonRows?: number;
};

// The same ones each time: rows that are others at every drawing make the table set its state, which draws it again, for ever.
const noRows: never[] = [];
const noSelection: RowSelectionState = {};

export function DataTable<T>(props: Props<T>) {
  const {
    label,
    columns,
    rows,
    rowId,
    loading,
    error,
    retry,
    empty,
    sort,
    onSort,
    selection,
    onSelection,
    rowName,
    footer,
  } = props;
  const table = useReactTable({
    data: rows ?? noRows,
    columns,
    getRowId: rowId,
    getCoreRowModel: getCoreRowModel(),
    manualSorting: true,
    manualPagination: true,
    enableRowSelection: selection !== undefined,
    state: { rowSelection: selection ?? noSelection },
    onRowSelectionChange: (update) =>
      onSelection?.(typeof update === "function" ? update(selection ?? noSelection) : update),
  });
  const first = loading && !rows;
  const shown = table.getRowModel().rows;
  const leaves = table.getVisibleLeafColumns();

  if (error && !rows) return <ErrorView error={error} retry={retry} />;
  if (!first && shown.length === 0) return <>{empty}</>;
  return (
    <Box>
      {/* A scrolling place must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways */}
      <section className={classes.scroll} aria-label={label} tabIndex={0}>
        <Table
          className={classes.table}
          aria-busy={loading || undefined}
          data-stale={(loading && !first) || undefined}
          highlightOnHover
        >
          <Table.Thead>
            {table.getHeaderGroups().map((group) => (
              <Table.Tr key={group.id}>
                {selection && (
                  <Table.Th w={40}>
                    <Checkbox
                      size="xs"
                      aria-label={label}
                      checked={table.getIsAllRowsSelected()}
                      indeterminate={table.getIsSomeRowsSelected()}
                      onChange={table.getToggleAllRowsSelectedHandler()}
                    />
                  </Table.Th>
                )}
                {group.headers.map((header) => {
                  const meta = header.column.columnDef.meta ?? {};
                  const content = flexRender(header.column.columnDef.header, header.getContext());
                  const active = meta.sortKey !== undefined && sort?.key === meta.sortKey;
                  const Arrow = active ? (sort.descending ? ArrowDown : ArrowUp) : ChevronsUpDown;
                  return (
                    <Table.Th
                      key={header.id}
                      scope="col"
                      w={meta.width}
                      data-from={meta.from}
                      data-numeric={meta.numeric || undefined}
                      aria-sort={active ? (sort.descending ? "descending" : "ascending") : undefined}
                    >
                      {meta.sortKey && onSort ? (
                        <UnstyledButton
                          className={classes.sort}
                          data-active={active || undefined}
                          onClick={() =>
                            onSort({
                              key: meta.sortKey!,
                              descending: active ? !sort.descending : (meta.numeric ?? false),
                            })
                          }
                        >
                          {content}
                          <Arrow size={13} aria-hidden />
                        </UnstyledButton>
                      ) : (
                        (content ?? <VisuallyHidden>{meta.name}</VisuallyHidden>)
                      )}
                    </Table.Th>
                  );
                })}
              </Table.Tr>
            ))}
          </Table.Thead>
          <Table.Tbody>
            {first
              ? Array.from({ length: props.skeletonRows ?? 8 }, (_, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: rows that stand for none
                  <Table.Tr key={index}>
                    {selection && <Table.Td />}
                    {leaves.map((column) => (
                      <Table.Td key={column.id} data-from={column.columnDef.meta?.from}>
                        <Skeleton height={12} my={4} width={`${55 + ((index * 7 + column.getIndex() * 13) % 35)}%`} />
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))
              : shown.map((row) => (
                  <Table.Tr key={row.id} data-selected={row.getIsSelected() || undefined}>
                    {selection && (
                      <Table.Td>
                        <Checkbox
                          size="xs"
                          aria-label={rowName?.(row.original) ?? row.id}
                          checked={row.getIsSelected()}
                          onChange={row.getToggleSelectedHandler()}
                        />
                      </Table.Td>
                    )}
                    {row.getVisibleCells().map((cell) => (
                      <Table.Td
                        key={cell.id}
                        data-from={cell.column.columnDef.meta?.from}
                        data-numeric={cell.column.columnDef.meta?.numeric || undefined}
                      >
                        {flexRender(cell.column.columnDef.cell, cell.getContext())}
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
