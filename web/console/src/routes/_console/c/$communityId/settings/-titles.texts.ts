import { defineTexts } from "~/texts/texts";

/** Names of the pages: the sidebar has them without the rest of each page's words. */
export const titles = defineTexts({
  en: {
    administrators: "Administrators",
    apiKeys: "API keys",
    auditLog: "Audit log",
    community: "Community",
    currencies: "Currencies",
    fields: "Custom fields",
    login: "Login management",
    roles: "Roles",
    tags: "Tags",
  },
});
