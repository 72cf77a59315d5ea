import { defineTexts } from "~/texts/texts";
import { titles } from "../-titles.texts";

export const texts = defineTexts({
  en: {
    title: titles.administrators,
    lead: "Who runs this community beside its owner.",
    ownerOnly: "Only the owner appoints and dismisses administrators.",
    invite: "Invite",
    inviteTitle: "Invite an administrator",
    inviteText:
      "A member gets the role at once. Anybody else gets a mail, and administers when the account is taken over or the invitation accepted.",
    email: "E-mail address",
    emailInvalid: "Enter an e-mail address, such as mia@example.org.",
    role: "Role",
    roleHint: "Roles that administer the community.",
    roleDefault: "The highest one; it is made if there is none",
    send: "Invite",
    mails: {
      claim: "A mail is on its way: with its link the account is taken over.",
      invitation: "An invitation is on its way.",
      administrator: "Appointed. A mail tells it.",
      none: "Appointed.",
    } as Record<string, string>,
    person: "Person",
    roles: "Roles",
    state: "State",
    factor: "Second factor",
    states: {
      active: "Active",
      invited: "Invited",
      suspended: "Suspended",
      banned: "Banned",
      deleted: "Left",
    } as Record<string, string>,
    unclaimed: "Not taken over yet",
    owner: "Owner",
    on: "On",
    off: "Off",
    dismiss: "Dismiss",
    dismissLabel: (name: string) => `Dismiss ${name}`,
    dismissTitle: (name: string) => `Dismiss ${name}?`,
    dismissText: (roles: string) =>
      `The roles that administer are taken at once: ${roles}. The membership stays, with all else.`,
    dismissed: "Dismissed",
  },
});
