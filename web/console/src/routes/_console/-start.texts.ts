import { defineTexts } from "~/texts/texts";

export const texts = defineTexts({
  en: {
    title: "Your communities",
    lead: "Choose the one to work on.",
    none: "You run no community",
    noneText: "Its owner can make you an administrator; then it stands here.",
  },
});
