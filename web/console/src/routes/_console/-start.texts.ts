import { defineTexts } from "~/texts/texts";

export const texts = defineTexts({
  en: {
    title: "Your communities",
    lead: "Choose the one to work on.",
    none: "You run no community",
    noneText: "Make one of your own, or ask the owner of another to make you an administrator.",
    create: "New community",
    createLead: "It is yours: you own it, and decide who runs it with you.",
    name: "Name",
    nameExample: "Harbour Traders Club",
    timeZone: "Time zone",
    timeZoneHint: "Days begin at midnight there.",
    createAction: "Create the community",
    required: "This is needed.",
  },
});
