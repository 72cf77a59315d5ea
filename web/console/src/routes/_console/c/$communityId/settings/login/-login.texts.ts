import { defineTexts } from "~/texts/texts";
import { titles } from "../-titles.texts";

export const texts = defineTexts({
  en: {
    title: titles.login,
    lead: "How members and administrators come in, and how your own systems sign them in.",
    saved: "Saved",
    required: "This is needed.",

    doors: "Doors",
    openRegistration: "Open registration",
    openRegistrationHint: "Anybody may register and join. Off: only who is invited, imported or made by a key.",
    registerLink: "The page where people register:",
    factor: "Second factor for owners and administrators",
    factorHint: "Who has none can do nothing here until it is set up. Owners alone change this.",
    factorOwn: "Set up your own second factor first, or you lock yourself out of these pages.",
    mailPasswords: "Mails may carry a password that the community gave",
    mailPasswordsHint: "Convenient and risky: whoever reads the mail can sign in. Off: members choose one by a link.",

    secure: "Signing in from your own system (secureAuth)",
    secureLead:
      "Your server, which knows a person already, asks with the system key for a link that signs that person in once.",
    host: "Host of the community",
    hostHint: "The name under which its pages and secureAuth answer, such as club.example.org.",
    hostOperator: "An operator of this installation sets it, since all communities share the names.",
    noHost: "none yet",
    administrators: "Sign in owners and administrators as such",
    administratorsHint:
      "Off: through secureAuth they get an ordinary member's session, so that a leaked system key does not rule the community. Owners alone change this.",
    call: "The call",
    callHint: "Answers a loginUrl that works once, within two minutes. Send the person's browser there.",

    systemKey: "System key",
    systemKeyLead:
      "For your own login servers alone: it may act for every member. Other systems take an API key with fewer rights.",
    ownerOnly: "Only the owner of the community can see and rotate it.",
    noKey: "There is none yet.",
    makeKey: "Make the system key",
    rotate: "Rotate",
    lastUsed: "Last used",
    neverUsed: "never",
    since: "Made",
    made: "The new system key",
    keyLabel: "System key",
    keyUse: "Send it in the header x-api-key, from servers alone, never from a page or an app.",

    levels: "Access levels",
    levelsLead: "Numbers under which other systems name the roles that a new member begins with.",
    number: "Number",
    numberHint: "0 to 1,000,000. It cannot be changed later.",
    name: "Name",
    roles: "Roles",
    rolesHint: "A new member gets them beside @all. Roles that administer are not offered.",
    fixed: "always there",
    newLevel: "New access level",
    create: "Create level",
    editLevel: (number: string) => `Access level ${number}`,
    editLabel: (name: string) => `Change the access level ${name}`,
    deleteLabel: (name: string) => `Delete the access level ${name}`,
    deleteTitle: (name: string) => `Delete the access level ${name}?`,
    deleteText: "Systems that name its number are refused from then on. Members who came with it keep their roles.",
    deleted: "The access level is deleted.",
    numberInvalid: "A whole number from 1 to 1,000,000.",
  },
});
