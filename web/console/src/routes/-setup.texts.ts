import { defineTexts } from "~/texts/texts";

export const texts = defineTexts({
  en: {
    title: "Set up Fealty",
    step: (step: number, of: number) => `Step ${step} of ${of}`,
    accountLead: "First your own account. It owns the first community and runs this installation.",
    communityLead: "Now your community: the people whose loyalty you keep.",
    code: "Setup code",
    codeHint: "Printed in the server's log when it started, in the line setup.needed.",
    codeWhy:
      "You come from another machine: the code shows that you run this server, so that no stranger can claim it.",
    firstName: "First name",
    lastName: "Last name",
    email: "E-mail address",
    emailInvalid: "Enter an e-mail address, such as mia@example.org.",
    username: "Username",
    usernameInvalid: "This is no username yet.",
    usernameHint: "3 to 50 letters, digits, dots, hyphens or underscores.",
    password: "Password",
    required: "This is needed.",
    next: "Continue",
    community: "Name of the community",
    communityExample: "Harbour Traders Club",
    timeZone: "Time zone",
    timeZoneHint: "Days begin at midnight there.",
    demo: "Fill it with demo data",
    demoHint: "300 invented members with balances, roles, tags and fields to look at. You can delete them later.",
    create: "Create the community",
    demoFailed: "The community is ready, but its demo data is not complete. The server's log says why.",
    doneElsewhere: "This installation has its first account already.",
  },
});
