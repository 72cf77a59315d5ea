import { notifications } from "@mantine/notifications";
import { ApiError } from "~/api/errors";
import { common } from "~/texts/common.texts";

/** How long a failure stays: long enough to copy its request id. */
const failureMs = 12_000;

export const toast = {
  done: (message: string) => notifications.show({ message, color: "teal", withBorder: true }),
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
