import { defineTexts } from "~/texts/texts";

export const texts = defineTexts({
  en: {
    title: "Overview",
    members: "Members",
    keys: "API keys",
    jobs: "Recent bulk jobs",
    noJobs: "No bulk job yet",
    noJobsText: "Files with changes of many members appear here, with their progress and results.",
    name: "Name",
    unnamed: "Without a name",
    status: "Status",
    rows: "Rows",
    failed: "Failed",
    created: "Started",
    statuses: {
      queued: "Queued",
      processing: "Running",
      completed: "Completed",
      failed: "Failed",
      cancelled: "Cancelled",
      reverting: "Reverting",
      reverted: "Reverted",
    },
  },
});
