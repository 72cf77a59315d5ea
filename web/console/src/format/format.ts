// Numbers and times as the viewer writes them, and the community's days. All go through here: no page calls Intl by itself.
import { useMemo } from "react";
import type { Amount } from "~/api/json";
import { useCommunityOrNone } from "~/session/community";

export type Format = ReturnType<typeof makeFormat>;

type Time = string | number | Date | null | undefined;
const none = "—";

function dateOf(time: Time): Date | null {
  if (time === null || time === undefined || time === "") return null;
  const date = time instanceof Date ? time : new Date(time);
  return Number.isNaN(date.getTime()) ? null : date;
}

const relativeSteps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

// What clocks in the zone show at that time, as if it were UTC.
function clockAt(time: number, parts: Intl.DateTimeFormat): number {
  const at = Object.fromEntries(parts.formatToParts(time).map((part) => [part.type, Number(part.value)]));
  return Date.UTC(at.year!, at.month! - 1, at.day, at.hour, at.minute, at.second);
}

// The moment at which clocks in the zone show midnight behind that day. The offset is looked up twice: the first guess may lie on
// the other side of a change of clocks.
function startOfNextDay(text: string, parts: Intl.DateTimeFormat): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const day = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(day)) return null;
  const midnight = day + 86_400_000;
  let time = midnight;
  for (let guess = 0; guess < 2; guess++) time = midnight - (clockAt(time, parts) - time);
  return time;
}

export function makeFormat(locale: string | undefined, timeZone: string | undefined) {
  const inZone = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
  const date = inZone({ dateStyle: "medium" });
  const dateTime = inZone({ dateStyle: "medium", timeStyle: "short" });
  const exact = inZone({ dateStyle: "medium", timeStyle: "long" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const integer = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const amount = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 });
  const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const day = new Intl.DateTimeFormat(locale, { timeZone: "UTC", dateStyle: "medium" });
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const byteUnits = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

  const printed = (formatter: Intl.DateTimeFormat) => (time: Time) => {
    const value = dateOf(time);
    return value ? formatter.format(value) : none;
  };
  return {
    timeZone,
    /** "5 Mar 2026", in the community's zone. */
    date: printed(date),
    /** "5 Mar 2026" of "2026-03-05": a day without a time, the same in every zone. */
    day: printed(day),
    /** "5 Mar 2026, 14:03", in the community's zone. */
    dateTime: printed(dateTime),
    /** With seconds and the zone's name; for titles of shorter forms. */
    exact: printed(exact),
    /** The last millisecond of "2026-03-05" in the community's zone; null for what is no day. */
    endOfDay: (text: string): Date | null => {
      const start = startOfNextDay(text, parts);
      return start === null ? null : new Date(start - 1);
    },
    /** "3 min. ago", "in 2 days". */
    relative: (time: Time, now = Date.now()) => {
      const value = dateOf(time);
      if (!value) return none;
      const seconds = (value.getTime() - now) / 1000;
      for (const [unit, length] of relativeSteps)
        if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
      return relative.format(Math.trunc(seconds), "second");
    },
    integer: (value: number | null | undefined) =>
      value === null || value === undefined ? none : integer.format(value),
    /** Exact: up to six places, however many digits. */
    amount: (value: Amount | null | undefined) =>
      value === null || value === undefined || value === "" ? none : amount.format(value as number),
    /** "12.3K", where there is little room. */
    compact: (value: number | null | undefined) =>
      value === null || value === undefined ? none : compact.format(value),
    /** 0.25 → "25%". */
    percent: (value: number | null | undefined) =>
      value === null || value === undefined ? none : percent.format(value),
    bytes: (value: number) => {
      let size = value;
      let unit = 0;
      while (size >= 1000 && unit < byteUnits.length - 1) {
        size /= 1000;
        unit++;
      }
      return new Intl.NumberFormat(locale, {
        style: "unit",
        unit: byteUnits[unit],
        unitDisplay: unit === 0 ? "long" : "short",
        maximumFractionDigits: size < 10 ? 1 : 0,
      }).format(size);
    },
    /** "2 min 5 sec". */
    duration: (seconds: number) => {
      const parts: [number, string][] = [
        [Math.floor(seconds / 86_400), "day"],
        [Math.floor(seconds / 3_600) % 24, "hour"],
        [Math.floor(seconds / 60) % 60, "minute"],
        [Math.floor(seconds) % 60, "second"],
      ];
      const first = parts.findIndex(([count]) => count > 0);
      return parts
        .slice(first < 0 ? 3 : first, first < 0 ? 4 : first + 2)
        .filter(([count], index) => count > 0 || index === 0)
        .map(([count, unit]) =>
          new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(count),
        )
        .join(" ");
    },
  };
}

/** The viewer's locale; the zone of the community whose page this is, else the viewer's own. */
export function useFormat(): Format {
  const zone = useCommunityOrNone()?.timeZone;
  return useMemo(() => makeFormat(undefined, zone), [zone]);
}
