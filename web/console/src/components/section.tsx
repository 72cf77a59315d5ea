import { Divider, Group, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A part of a page of settings: what it is about, and its fields or its list. `flush` lets a table reach the edges. */
export function Section({
  title,
  lead,
  actions,
  footer,
  flush,
  children,
}: {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  /** Below a line: the form's buttons. */
  footer?: ReactNode;
  flush?: boolean;
  children?: ReactNode;
}) {
  return (
    <Paper component="section" mb="lg" style={{ overflow: "hidden" }}>
      <Group justify="space-between" align="flex-start" p="md" pb={flush ? "sm" : "xs"} gap="sm">
        <Stack gap={2} flex={1} miw={200}>
          <Title order={2}>{title}</Title>
          {lead && (
            <Text size="sm" c="dimmed" component="div">
              {lead}
            </Text>
          )}
        </Stack>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {flush ? children : children && <div style={{ padding: "4px 16px 16px" }}>{children}</div>}
      {footer && (
        <>
          <Divider color="var(--border)" />
          <Group justify="flex-end" gap="xs" p="sm" px="md">
            {footer}
          </Group>
        </>
      )}
    </Paper>
  );
}
