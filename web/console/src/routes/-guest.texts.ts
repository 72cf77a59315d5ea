import { defineTexts } from "~/texts/texts";

export const texts = defineTexts({
  en: {
    signIn: "Sign in",
    signInLead: "Run your communities.",
    name: "E-mail or username",
    password: "Password",
    forgot: "Forgot your password?",
    required: "This is needed.",
    code: "Code",
    factorTitle: "Second factor",
    factorLead: "Enter the code that your authenticator app shows, or one of your recovery codes.",
    send: "Continue",
    otherAccount: "Sign in with another account",
  },
});
