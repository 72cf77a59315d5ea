import { Text } from "@mantine/core";
import { type ReactNode, useMemo } from "react";
import { useFormat } from "~/format/format";

/** What happened, day by day, in the order in which it came. */
export function Days<T extends { _id: string; createdAt: string }>({
  items,
  children,
}: {
  items: T[];
  children: (item: T) => ReactNode;
}) {
  const format = useFormat();
  const days = useMemo(() => {
    const groups: { day: string; items: T[] }[] = [];
    for (const item of items) {
      const day = format.date(item.createdAt);
      if (groups.at(-1)?.day === day) groups.at(-1)!.items.push(item);
      else groups.push({ day, items: [item] });
    }
    return groups;
  }, [items, format]);
  return days.map((group) => (
    <section key={group.day} aria-label={group.day}>
      <Text size="xs" c="dimmed" fw={600} px="md" pt="sm" pb={4}>
        {group.day}
      </Text>
      {group.items.map(children)}
    </section>
  ));
}
