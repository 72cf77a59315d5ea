import { defineTexts } from "~/texts/texts";

/** Names of the pages: the sidebar has them without the rest of each page's words. */
export const titles = defineTexts({
  en: { members: "Members", bulk: "Bulk jobs", apiLog: "API log" },
});
