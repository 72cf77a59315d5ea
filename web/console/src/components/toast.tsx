import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { ApiError } from "~/api/errors";
import { common } from "~/texts/common.texts";

/** How long a failure stays: long enough to copy its request id. What can be taken back stays as long. */
const failureMs = 12_000;

export const toast = {
  /** `undo` takes back what was done, as long as the message stands. */
  done: (message: string, undo?: () => void) => {
    const id = notifications.show({
      message: undo ? (
        <Group justify="space-between" wrap="nowrap" gap="sm">
          <span>{message}</span>
          <Button
            size="compact-sm"
            variant="light"
            onClick={() => {
              notifications.hide(id);
              undo();
            }}
          >
            {common.undo}
          </Button>
        </Group>
      ) : (
        message
      ),
      color: "teal",
      withBorder: true,
      closeButtonProps: { "aria-label": common.close },
      ...(undo ? { autoClose: failureMs } : {}),
    });
  },
  failed: (error: unknown, title: string = common.failed) => {
    const known = error instanceof ApiError ? error : null;
    const particulars = [known?.code, known?.requestId && common.requestId(known.requestId)]
      .filter(Boolean)
      .join(" · ");
    notifications.show({
      title,
      message: known ? (
        <>
          {known.message}
          <br />
          <small>{particulars}</small>
        </>
      ) : undefined,
      color: "red",
      withBorder: true,
      autoClose: failureMs,
      role: "alert",
      closeButtonProps: { "aria-label": common.close },
    });
  },
};
