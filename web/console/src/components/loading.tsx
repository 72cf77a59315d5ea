import { Skeleton, Stack } from "@mantine/core";
import { common } from "~/texts/common.texts";
import classes from "./page.module.css";

/** While a page's code or first data comes: a title and a block where its own will stand. */
export function LoadingPage() {
  return (
    <div className={classes.page} role="status" aria-label={common.loading}>
      <Stack gap="lg">
        <Skeleton height={28} width={220} />
        <Skeleton height={320} radius="lg" />
      </Stack>
    </div>
  );
}
