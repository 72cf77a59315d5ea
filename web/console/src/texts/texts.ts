// Texts of the pages. Each page has one file of them beside it (members.texts.ts), made by defineTexts; a language is a member of
// it, and the compiler sees to it that a translation has every text. Texts with values in them are functions.

type Texts = Record<string, unknown>;
/** The shape of the English texts with any words in it. */
type Same<T> = {
  [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...args: infer A) => string
      ? (...args: A) => string
      : Same<T[K]>;
};

const language = (typeof navigator === "undefined" ? "en" : navigator.language).split("-")[0] ?? "en";

export function defineTexts<const T extends Texts>(languages: { en: T } & { [language: string]: Same<T> }): Same<T> {
  return (languages[language] ?? languages.en) as Same<T>;
}

const rules = new Intl.PluralRules("en");
/** plural(3, "member", "members") → "3 members"; the number is printed as the viewer writes numbers. */
export function plural(count: number, one: string, other: string): string {
  return `${count.toLocaleString()} ${rules.select(count) === "one" ? one : other}`;
}
