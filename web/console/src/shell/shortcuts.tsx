import { Group, Kbd, Modal, Stack, Table, Text, Title } from "@mantine/core";
import { common } from "~/texts/common.texts";
import { commandKey } from "./key-names";
import { navigation } from "./navigation";
import { texts } from "./shell.texts";

type Row = { keys: string[]; label: string; sequence?: boolean };

function Rows({ title, rows }: { title: string; rows: Row[] }) {
  return (
    <div>
      <Title order={3} mb={4}>
        {title}
      </Title>
      <Table withRowBorders={false} verticalSpacing={4} horizontalSpacing={0}>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.label}>
              <Table.Td>{row.label}</Table.Td>
              <Table.Td>
                <Group gap={6} justify="flex-end">
                  {row.keys.map((key, index) => (
                    <Group gap={6} key={key}>
                      {index > 0 && row.sequence && (
                        <Text size="xs" c="dimmed">
                          {texts.thenKey}
                        </Text>
                      )}
                      <Kbd>{key}</Kbd>
                    </Group>
                  ))}
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

export function ShortcutsHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title={texts.shortcuts} closeButtonProps={{ "aria-label": common.close }}>
      <Stack>
        <Rows
          title={texts.general}
          rows={[
            { keys: [commandKey, "K"], label: texts.openPalette },
            { keys: ["?"], label: texts.showShortcuts },
          ]}
        />
        <Rows
          title={texts.goTo}
          rows={navigation.flatMap((group) =>
            group.items.map((item) => ({ keys: ["g", item.key], label: item.label, sequence: true })),
          )}
        />
      </Stack>
    </Modal>
  );
}
