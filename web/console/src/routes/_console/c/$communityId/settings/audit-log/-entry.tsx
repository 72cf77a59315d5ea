import { Code, Drawer, Stack, Table, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import type { AnswerOf } from "~/api/client";
import { CopyText } from "~/components/copy-text";
import { Moment } from "~/components/moment";
import { common } from "~/texts/common.texts";
import { texts } from "./-audit-log.texts";

export type Entry = AnswerOf<"get", "/v1/audit-logs">["data"][number];
type Change = { path: string; before?: unknown; after?: unknown };

const shownAbove = new Set(["changes", "request_id", "requestId", "reason"]);

export const whoOf = ({ actor }: Entry) => actor.name || actor.id || (texts.kinds[actor.kind] ?? actor.kind);

const shown = (value: unknown): ReactNode =>
  value === null || value === undefined || value === "" ? (
    <Text span c="dimmed" size="sm">
      {texts.nothing}
    </Text>
  ) : (
    <Code>{typeof value === "string" ? value : JSON.stringify(value)}</Code>
  );

export function EntryDrawer({ entry, onClose }: { entry: Entry | null; onClose: () => void }) {
  const changes = (entry?.changes ?? []) as Change[];
  // What stands above is not told again.
  const detail = Object.fromEntries(
    Object.entries((entry?.detail ?? {}) as Record<string, unknown>).filter(([name]) => !shownAbove.has(name)),
  );
  return (
    <Drawer
      opened={entry !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={texts.details}
      closeButtonProps={{ "aria-label": common.close }}
    >
      {entry && (
        <Stack>
          <Table withRowBorders={false} verticalSpacing={4} horizontalSpacing={0} layout="fixed">
            <Table.Tbody>
              <Fact label={texts.when}>
                <Moment time={entry.createdAt} as="dateTime" />
              </Fact>
              <Fact label={texts.actor}>
                {whoOf(entry)}{" "}
                <Text span c="dimmed" size="sm">
                  {texts.kinds[entry.actor.kind] ?? entry.actor.kind} {entry.actor.id}
                </Text>
              </Fact>
              <Fact label={texts.action}>
                <Code>{entry.action}</Code>
              </Fact>
              {entry.target.id && (
                <Fact label={texts.target}>
                  {texts.areas[entry.target.kind] ?? entry.target.kind} <CopyText text={entry.target.id} />
                </Fact>
              )}
              {entry.reason && <Fact label={texts.reason}>{entry.reason}</Fact>}
              {entry.ip && <Fact label={texts.address}>{entry.ip}</Fact>}
              {entry.requestId && (
                <Fact label={texts.request}>
                  <CopyText text={entry.requestId} />
                </Fact>
              )}
            </Table.Tbody>
          </Table>
          {changes.length > 0 && (
            <div>
              <Title order={3} mb="xs">
                {texts.changes}
              </Title>
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{texts.path}</Table.Th>
                    <Table.Th>{texts.before}</Table.Th>
                    <Table.Th>{texts.after}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {changes.map((change) => (
                    <Table.Tr key={change.path}>
                      <Table.Td>{change.path}</Table.Td>
                      <Table.Td>{shown(change.before)}</Table.Td>
                      <Table.Td>{shown(change.after)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </div>
          )}
          {Object.keys(detail).length > 0 && (
            <div>
              <Title order={3} mb="xs">
                {texts.detail}
              </Title>
              <Code block tabIndex={0}>
                {JSON.stringify(detail, null, 2)}
              </Code>
            </div>
          )}
        </Stack>
      )}
    </Drawer>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" w={110} fw={400} c="dimmed" style={{ verticalAlign: "top" }}>
        {label}
      </Table.Th>
      <Table.Td style={{ overflowWrap: "anywhere" }}>{children}</Table.Td>
    </Table.Tr>
  );
}
