import { defineTexts } from "./texts";

/** Words that many pages share. */
export const common = defineTexts({
  en: {
    product: "Fealty",
    cancel: "Cancel",
    close: "Close",
    save: "Save",
    retry: "Try again",
    back: "Back",
    copy: "Copy",
    copied: "Copied",
    loading: "Loading",
    none: "—",
    previous: "Previous",
    next: "Next",
    rows: (from: string, to: string, total: string) => `${from}–${to} of ${total}`,
    failed: "This did not work",
    cannotLoad: "This could not be loaded",
    requestId: (id: string) => `Request ${id}`,
    retryIn: (seconds: string) => `Try again in ${seconds}.`,
    notFound: "There is no such page",
    notFoundText: "The address may be mistyped, or what it named is gone.",
    toStart: "Go to the start page",
    crashed: "This page has stopped working",
    crashedText: "What you entered on it may be lost. Nothing was changed on the server by that.",
    reload: "Load the page again",
    sortBy: (column: string) => `Sort by ${column}`,
    optional: "optional",
    isNeeded: (label: string) => `${label} is needed.`,
    undo: "Undo",
  },
});
