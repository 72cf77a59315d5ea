import { Anchor } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { ApiError } from "~/api/errors";
import { common } from "~/texts/common.texts";

/** How long a failure stays: long enough to copy its request id. */
const failureMs = 12_000;
/** Long enough to notice the mistake and to reach the link. */
const undoMs = 10_000;

export const toast = {
  done: (message: string) => notifications.show({ message, color: "teal", withBorder: true }),
  /** With the way back. `undo` is called once. */
  undoable: (message: string, undo: () => void) => {
    const id = crypto.randomUUID();
    notifications.show({
      id,
      color: "teal",
      withBorder: true,
      autoClose: undoMs,
      message: (
        <>
          {message}{" "}
          <Anchor
            component="button"
            type="button"
            size="sm"
            fw={500}
            onClick={() => {
              notifications.hide(id);
              undo();
            }}
          >
            {common.undo}
          </Anchor>
        </>
      ),
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
    });
  },
};
