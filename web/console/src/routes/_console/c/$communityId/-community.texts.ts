import { defineTexts } from "~/texts/texts";

export const texts = defineTexts({
  en: {
    factorNeeded: "Set up a second factor first",
    factorNeededText:
      "This community asks its owners and administrators for one. It takes a minute, and an authenticator app on your phone.",
    factorSetUp: "Set up a second factor",
  },
});
