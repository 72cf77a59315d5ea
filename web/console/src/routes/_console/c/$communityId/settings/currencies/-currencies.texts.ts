import { defineTexts } from "~/texts/texts";
import { titles } from "../-titles.texts";

export const texts = defineTexts({
  en: {
    title: titles.currencies,
    lead: "What members earn and spend. Amounts are exact, and every change stands in the ledger.",
    create: "New currency",
    createTitle: "New currency",
    editTitle: (name: string) => `Change ${name}`,
    name: "Name",
    code: "Code",
    codeHint: "What programs and files call it: small letters, digits, . _ and -. It never changes.",
    codeInvalid: "A small letter first, then small letters, digits, dots, underscores or hyphens.",
    kind: "Kind",
    kinds: {
      progress: ["Progress", "Only earned, such as XP."],
      spendable: ["Spendable", "Earned and spent, such as coins."],
    } as Record<string, [string, string]>,
    symbol: "Symbol",
    symbolHint: "Beside amounts.",
    icon: "Icon",
    iconHint: "An emoji, or a short text.",
    decimals: "Decimal places",
    decimalsHint: "0 to 6. Places can be taken away only while no amount needs them.",
    enabled: "Enabled",
    enabledHint: "Off: balances can be read, not changed.",
    negative: "Balances may fall below zero",
    negativeHint: "Owners alone change this. Then members can owe the community.",
    on: "Enabled",
    off: "Off",
    required: "This is needed.",
    edit: "Change",
    editLabel: (name: string) => `Change the currency ${name}`,
    saved: "Saved",
    permanent: "Code and kind never change, and a currency cannot be removed, only switched off.",
  },
});
