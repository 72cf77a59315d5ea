// The permissions of community keys, grouped as people think of them.
import { Checkbox, Fieldset, Group, Input, SimpleGrid, Stack, Text } from "@mantine/core";
import { useId } from "react";
import { texts } from "./-api-keys.texts";

export const permissionGroups: Record<keyof typeof texts.groups, string[]> = {
  members: ["getUserData", "createUser", "bulkUpdateUser", "manageUser", "userFields", "role"],
  balances: ["getUserStats", "badge", "leaderboard", "streak", "miniGames", "store", "redemption"],
  messages: ["getChannels", "channel", "getMessages", "sendMessage", "replyMessage", "reactMessage"],
  analysis: ["analytics", "analysis"],
};
const known = new Set(Object.values(permissionGroups).flat());

export function PermissionPicker({
  value = [],
  onChange,
  error,
}: {
  value?: string[];
  onChange?: (value: string[]) => void;
  error?: React.ReactNode;
}) {
  const labelId = useId();
  const toggle = (ids: string[], on: boolean) =>
    onChange?.(on ? [...new Set([...value, ...ids])] : value.filter((one) => !ids.includes(one)));
  // What a newer server knows and this page does not is kept as it is, and shown by its identifier.
  const others = value.filter((one) => !known.has(one));
  return (
    <Input.Wrapper label={texts.permissions} labelElement="div" labelProps={{ id: labelId }} error={error}>
      <Stack gap="sm" mt={6} role="group" aria-labelledby={labelId}>
        {(Object.entries(permissionGroups) as [keyof typeof texts.groups, string[]][]).map(([group, ids]) => {
          const on = ids.filter((id) => value.includes(id)).length;
          return (
            <Fieldset key={group} variant="default" p="sm">
              <Group justify="space-between" mb="xs">
                <Checkbox
                  label={
                    <Text span fw={600} size="sm">
                      {texts.groups[group]}
                    </Text>
                  }
                  aria-label={texts.all(texts.groups[group])}
                  checked={on === ids.length}
                  indeterminate={on > 0 && on < ids.length}
                  onChange={(event) => toggle(ids, event.currentTarget.checked)}
                />
                <Text size="xs" c="dimmed" className="numeric">
                  {texts.chosen(on, ids.length)}
                </Text>
              </Group>
              <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs" pl={{ base: 0, sm: 28 }}>
                {ids.map((id) => (
                  <Checkbox
                    key={id}
                    label={texts.permission[id]?.[0] ?? id}
                    description={texts.permission[id]?.[1] || undefined}
                    checked={value.includes(id)}
                    onChange={(event) => toggle([id], event.currentTarget.checked)}
                  />
                ))}
              </SimpleGrid>
            </Fieldset>
          );
        })}
        {others.map((id) => (
          <Checkbox key={id} label={id} checked onChange={() => toggle([id], false)} />
        ))}
      </Stack>
    </Input.Wrapper>
  );
}
