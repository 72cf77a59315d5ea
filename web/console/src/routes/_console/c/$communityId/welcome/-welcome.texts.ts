import { defineTexts } from "~/texts/texts";

export const texts = defineTexts({
  en: {
    title: "Welcome",
    lead: (community: string) => `${community} is ready. These steps make it yours.`,
    done: "Done",
    steps: {
      fields: {
        title: "Say what you know about members",
        text: "Beside name and e-mail each community keeps facts of its own: a customer number, a tier, the last order. Define them as custom fields; files and the API fill them.",
        action: "Define custom fields",
      },
      members: {
        title: "Bring your members in",
        text: "Drop a CSV file with e-mail addresses and names. You see what would happen before anything does, and can take it back.",
        action: "Import members",
      },
      keys: {
        title: "Connect your systems",
        text: "An API key lets your shop or CRM read members and change balances. Give each system its own, with no more rights than it needs.",
        action: "Create an API key",
      },
    },
    alsoTitle: "Also worth a minute",
    protect: "Protect your account with a second factor",
    invite: "Invite others who run the community with you",
    reference: "Read the API reference",
    toOverview: "Go to the overview",
  },
});
