import { Tooltip } from "@mantine/core";
import { useFormat } from "~/format/format";

/** A time, told from now ("3 min. ago") or as date and time, with the exact one on a closer look. */
export function Moment({
  time,
  as = "relative",
}: {
  time: string | null | undefined;
  as?: "relative" | "date" | "dateTime";
}) {
  const format = useFormat();
  if (!time) return <>{format.date(null)}</>;
  return (
    <Tooltip label={format.exact(time)}>
      <time dateTime={time}>{format[as](time)}</time>
    </Tooltip>
  );
}
