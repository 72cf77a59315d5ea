import { Select, type SelectProps } from "@mantine/core";
import { useMemo } from "react";
import { defineTexts } from "~/texts/texts";

const texts = defineTexts({
  en: {
    now: (time: string) => `It is ${time} there now.`,
    nothing: "No such time zone. Look for a city, such as Berlin.",
  },
});

export const ownTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

function timeIn(zone: string): string | null {
  try {
    return new Intl.DateTimeFormat(undefined, {
      timeZone: zone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
    }).format();
  } catch {
    // The server knows zones that this browser does not.
    return null;
  }
}

/** IANA time zones, found by city. */
export function TimeZoneSelect({ value, description, ...props }: Omit<SelectProps, "data">) {
  const zones = useMemo(() => {
    const names = new Set(["UTC", ...Intl.supportedValuesOf("timeZone")]);
    if (value) names.add(value);
    return [...names].map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }));
  }, [value]);
  const time = value ? timeIn(value) : null;
  return (
    <Select
      data={zones}
      value={value}
      searchable
      limit={80}
      allowDeselect={false}
      maxDropdownHeight={280}
      nothingFoundMessage={texts.nothing}
      description={[description, time && texts.now(time)].filter(Boolean).join(" ")}
      inputWrapperOrder={["label", "input", "description", "error"]}
      {...props}
    />
  );
}
