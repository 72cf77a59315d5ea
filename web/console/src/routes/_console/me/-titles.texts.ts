import { defineTexts } from "~/texts/texts";

/** Names of one's own pages, as the sidebar has them. */
export const titles = defineTexts({
  en: { profile: "Profile", security: "Security", sessions: "Sessions", keys: "API keys" },
});
