// biome-ignore-all lint/a11y/useSemanticElements: the rows of a table cannot be placed where they are scrolled to
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names its active row
// The rows that are in sight, of a list of any length: more come from the server before the last one is reached. Below the width of
// a tablet each row is a card.
import { Button, Group, Loader, Skeleton, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type CSSProperties,
  memo,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { type Format, useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { useDensity } from "~/theme/density";
import { texts } from "../-members.texts";
import { CellValue, MemberName, StatusBadge } from "./cells";
import type { MemberColumn } from "./columns";
import classes from "./members.module.css";
import type { MemberRow } from "./members-data";

const rowPx = { comfortable: 52, compact: 42 };
const cardPx = 72;
const firstColumnPx = 210;
const rowsBefore = 60; // the next page is asked for when so many rows are left
const skeletons = 12;
const belowPx = 62; // the line below the rows, and the page's edge

type Props = {
  rows: MemberRow[] | undefined;
  columns: MemberColumn[];
  total: number | null;
  /** Others are on their way in their place. */
  stale: boolean;
  hasMore: boolean;
  loadingMore: boolean;
  moreFailed: boolean;
  onMore: () => void;
  /** The rows that are in sight when the scrolling has ended. */
  onRest: (rows: MemberRow[]) => void;
  empty: ReactNode;
  status: ReactNode;
};

const typesText = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function MembersTable(props: Props) {
  const { rows, hasMore, empty } = props;
  return rows && rows.length === 0 && !hasMore ? empty : <Grid {...props} />;
}

function Grid(props: Props) {
  const { rows, columns, total, stale, hasMore, loadingMore, moreFailed, onMore, onRest } = props;
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const navigate = useNavigate();
  const [density] = useDensity();
  const cards = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  const scroll = useRef<HTMLDivElement>(null);
  const gridId = useId();
  const [active, setActive] = useState(-1);

  const loaded = rows?.length ?? 0;
  const count = rows
    ? loaded + (hasMore && !moreFailed ? Math.min(skeletons, (total ?? loaded + 3) - loaded) : 0)
    : skeletons;
  const height = cards ? cardPx : rowPx[density];
  const virtual = useVirtualizer({
    count: Math.max(count, loaded),
    getScrollElement: () => scroll.current,
    estimateSize: () => height,
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of another height are measured anew
  useEffect(() => virtual.measure(), [height]);

  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows && hasMore && !loadingMore && !moreFailed && last >= loaded - rowsBefore) onMore();
  }, [rows, hasMore, loadingMore, moreFailed, last, loaded, onMore]);

  const first = items[0]?.index ?? 0;
  const isAtRest = !virtual.isScrolling;
  useEffect(() => {
    if (isAtRest && rows) onRest(rows.slice(first, last + 1));
  }, [isAtRest, rows, first, last, onRest]);

  const openRow = useCallback(
    (id: string) => void navigate({ to: "/c/$communityId/members/$memberId", params: { communityId, memberId: id } }),
    [navigate, communityId],
  );
  const go = (index: number) => {
    if (loaded === 0) return;
    const to = Math.max(0, Math.min(loaded - 1, index));
    setActive(to);
    virtual.scrollToIndex(to);
  };
  const onKey = (event: { key: string; preventDefault: () => void }) => {
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? height) / height) - 2);
    // Whoever has scrolled away from the active row goes on from what is in sight.
    const top = Math.ceil((scroll.current?.scrollTop ?? 0) / height);
    const isInSight = active >= top - 1 && active <= top + page + 2;
    const down = isInSight ? active : top - 1;
    const up = isInSight ? active : top + page + 1;
    const steps: Record<string, number | undefined> = {
      j: down + 1,
      ArrowDown: down + 1,
      k: up - 1,
      ArrowUp: up - 1,
      PageDown: down + page,
      PageUp: up - page,
      Home: 0,
      End: loaded - 1,
    };
    const to = steps[event.key];
    if (to !== undefined) {
      event.preventDefault();
      go(to);
    } else if (event.key === "Enter" && rows?.[active]) {
      event.preventDefault();
      openRow(rows[active].id);
    }
  };
  // j and k work from everywhere on the page; the others where the table has the focus.
  const current = useRef(onKey);
  useEffect(() => {
    current.current = onKey;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typesText(event.target) || event.defaultPrevented) return;
      if (document.querySelector('[role="dialog"]')) return;
      const atRest = event.target === document.body || event.target === document.getElementById("content");
      if (event.key === "j" || event.key === "k" || (event.key === "Enter" && atRest)) current.current(event);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);

  useHeightToBottom(scroll);

  const widths = [firstColumnPx, ...columns.map((column) => column.width)];
  const style = {
    "--columns": widths.map((width) => `minmax(${width}px, ${width}fr)`).join(" "),
    "--least": cards ? "0" : `${widths.reduce((sum, width) => sum + width, 0)}px`,
  } as CSSProperties;
  const shown = active >= 0 && items.some((item) => item.index === active);
  return (
    <>
      <div
        ref={scroll}
        className={classes.scroll}
        data-members-table
        data-stale={stale || undefined}
        role="grid"
        aria-label={texts.table}
        aria-rowcount={total === null ? -1 : total + 1}
        aria-colcount={columns.length + 1}
        aria-busy={stale || !rows || undefined}
        aria-activedescendant={shown ? `${gridId}-${active}` : undefined}
        aria-readonly
        tabIndex={0}
        onKeyDown={(event) => {
          if (event.key !== "j" && event.key !== "k" && event.target === event.currentTarget) onKey(event);
        }}
        style={style}
      >
        <div className={classes.inner} role="presentation">
          {!cards && (
            <div className={classes.head} role="row" aria-rowindex={1}>
              <div role="columnheader" className={classes.first}>
                {texts.member}
              </div>
              {columns.map((column) => (
                <div
                  key={column.name}
                  role="columnheader"
                  data-numeric={column.kind === "number" || undefined}
                  title={column.label}
                >
                  {column.label}
                </div>
              ))}
            </div>
          )}
          <div style={{ position: "relative", height: virtual.getTotalSize() }} role="rowgroup">
            {items.map((item) => {
              const row = rows?.[item.index];
              const place: CSSProperties = { height, transform: `translateY(${item.start}px)` };
              if (!row)
                return (
                  <div key={item.key} className={classes.row} role="row" aria-rowindex={item.index + 2} style={place}>
                    <SkeletonRow columns={cards ? [] : columns} index={item.index} />
                  </div>
                );
              return (
                <Row
                  key={item.key}
                  id={`${gridId}-${item.index}`}
                  index={item.index}
                  row={row}
                  columns={columns}
                  card={!!cards}
                  active={item.index === active}
                  href={`/c/${communityId}/members/${row.id}`}
                  onOpen={openRow}
                  height={height}
                  top={item.start}
                  format={format}
                />
              );
            })}
          </div>
        </div>
      </div>
      <Group justify="space-between" className={classes.bar}>
        <span aria-live="polite">{props.status}</span>
        {moreFailed ? (
          <Group gap="xs">
            <Text size="sm" c="red">
              {texts.moreFailed}
            </Text>
            <Button size="compact-sm" variant="default" onClick={onMore}>
              {common.retry}
            </Button>
          </Group>
        ) : loadingMore || stale ? (
          <Loader size={14} aria-label={common.loading} />
        ) : (
          <Text size="xs" c="dimmed" visibleFrom="md">
            {texts.keysHint}
          </Text>
        )}
      </Group>
    </>
  );
}

type RowProps = {
  id: string;
  index: number;
  row: MemberRow;
  columns: MemberColumn[];
  card: boolean;
  active: boolean;
  href: string;
  onOpen: (id: string) => void;
  height: number;
  top: number;
  format: Format;
};

// Dozens of these come and go with every frame of a scroll: plain elements, and none is drawn again that stays.
const Row = memo(function Row({ id, index, row, columns, card, active, href, onOpen, height, top, format }: RowProps) {
  const className = card ? `${classes.row} ${classes.card}` : classes.row;
  return (
    <a
      id={id}
      href={href}
      className={className}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={active}
      data-active={active || undefined}
      tabIndex={-1}
      style={{ height, transform: `translateY(${top}px)` }}
      onClick={(event) => {
        // A new tab or window is the browser's own.
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
        event.preventDefault();
        onOpen(row.id);
      }}
    >
      {card ? (
        <CardCells row={row} columns={columns} format={format} />
      ) : (
        <>
          <div role="gridcell" className={`${classes.cell} ${classes.first}`}>
            <MemberName row={row} />
          </div>
          {columns.map((column) => (
            <div
              key={column.name}
              role="gridcell"
              className={classes.cell}
              data-numeric={column.kind === "number" || undefined}
            >
              <CellValue column={column} value={row.cells[column.name]} format={format} />
            </div>
          ))}
        </>
      )}
    </a>
  );
});

/** The rows reach down to the window's end, whatever stands above them. */
function useHeightToBottom(scroll: RefObject<HTMLDivElement | null>) {
  useLayoutEffect(() => {
    const reach = () => {
      const element = scroll.current;
      if (!element) return;
      const above = element.getBoundingClientRect().top + window.scrollY;
      element.style.setProperty("--above", `${Math.round(above) + belowPx}px`);
    };
    reach();
    // Chips and notes above the table come, go and wrap.
    const watched = new ResizeObserver(reach);
    for (let one = scroll.current?.parentElement; one && one !== document.body; one = one.parentElement)
      watched.observe(one);
    window.addEventListener("resize", reach);
    return () => {
      watched.disconnect();
      window.removeEventListener("resize", reach);
    };
  }, [scroll]);
}

function SkeletonRow({ columns, index }: { columns: MemberColumn[]; index: number }) {
  const width = (place: number) => `${45 + ((index * 17 + place * 29) % 40)}%`;
  return (
    <>
      <div role="gridcell" className={`${classes.cell} ${classes.first}`}>
        <Skeleton circle height={28} />
        <Skeleton height={11} width={width(0)} />
      </div>
      {columns.map((column, place) => (
        <div key={column.name} role="gridcell" className={classes.cell}>
          <Skeleton height={11} width={width(place + 1)} />
        </div>
      ))}
    </>
  );
}

/** Two values that the person chose stand at the card's end; the page of the member has them all. */
function CardCells({ row, columns, format }: { row: MemberRow; columns: MemberColumn[]; format: Format }) {
  const email = columns.find((column) => column.name === "email") && row.cells.email;
  const status = row.cells.status;
  const number = columns.find((column) => column.kind === "number");
  return (
    <>
      <div role="gridcell" className={classes.first} style={{ display: "flex", flex: 1, minWidth: 0 }}>
        <MemberName row={email ? { ...row, username: String(email) } : row} />
      </div>
      <div role="gridcell" className={classes.cardEnd}>
        {status && status !== "active" ? (
          <StatusBadge status={String(status)} />
        ) : (
          number && (
            <>
              <Text size="sm" className="numeric">
                <CellValue column={number} value={row.cells[number.name]} format={format} />
              </Text>
              <Text size="xs" c="dimmed">
                {number.label}
              </Text>
            </>
          )
        )}
      </div>
    </>
  );
}
