import { Stack } from "@mantine/core";
import type { ReactNode } from "react";

/** Fields below one another, no wider than they are read well. */
export function FormStack({ children }: { children: ReactNode }) {
  return (
    <Stack gap="md" maw={520}>
      {children}
    </Stack>
  );
}
