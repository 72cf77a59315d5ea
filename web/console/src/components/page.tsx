import { Box, Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useCommunityOrNone } from "~/session/community";
import { common } from "~/texts/common.texts";
import classes from "./page.module.css";

type Props = {
  title: string;
  /** One line below the title. */
  lead?: ReactNode;
  /** Buttons at the right; they wrap below the title on narrow screens. */
  actions?: ReactNode;
  /** Forms and settings read better narrow; tables take what there is. */
  width?: "form" | "full";
  children: ReactNode;
};

/** Every page of the console: title, actions, content. */
export function Page({ title, lead, actions, width = "full", children }: Props) {
  const community = useCommunityOrNone();
  useDocumentTitle([title, community?.title, common.product].filter(Boolean).join(" · "));
  return (
    <Box className={classes.page} data-width={width}>
      <Group justify="space-between" align="flex-start" mb="lg" gap="sm">
        <Stack gap={2} flex="1 1 160px">
          <Title order={1}>{title}</Title>
          {lead && (
            <Text c="dimmed" size="sm">
              {lead}
            </Text>
          )}
        </Stack>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Box>
  );
}
