import type { ColumnDef } from "@tanstack/react-table";

/** Columns of different values as one list, which is what a table takes. */
// biome-ignore lint/suspicious/noExplicitAny: each column has a value type of its own
export const columnsOf = <T>(columns: ColumnDef<T, any>[]): ColumnDef<T, unknown>[] => columns;
