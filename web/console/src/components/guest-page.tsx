import { Box, Center, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import mark from "~/shell/mark.svg";
import { common } from "~/texts/common.texts";

/** Pages for those who are not signed in: one card in the middle. */
export function GuestPage({
  title,
  lead,
  children,
  below,
  width = 400,
}: {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
  below?: ReactNode;
  width?: number;
}) {
  useDocumentTitle(`${title} · ${common.product}`);
  return (
    <Center component="main" mih="100dvh" p="md">
      <Box w="100%" maw={width}>
        <Group gap={10} justify="center" mb="lg">
          <img src={mark} alt="" width={30} height={30} />
          <Text fw={650} size="lg">
            {common.product}
          </Text>
        </Group>
        <Paper p="xl" shadow="xs">
          <Stack gap={4} mb="lg">
            <Title order={1}>{title}</Title>
            {lead && (
              <Text size="sm" c="dimmed">
                {lead}
              </Text>
            )}
          </Stack>
          {children}
        </Paper>
        {below && (
          <Text size="sm" c="dimmed" ta="center" mt="md" component="div">
            {below}
          </Text>
        )}
      </Box>
    </Center>
  );
}
