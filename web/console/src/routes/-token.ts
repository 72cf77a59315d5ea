// The parameter of links in mails; apart from the pages, since addresses are read before a page's code is there.
export type TokenSearch = { token?: string };
export const tokenSearch = (search: Record<string, unknown>): TokenSearch => ({
  // A token of digits alone comes as a number.
  token: search.token === undefined || search.token === "" ? undefined : String(search.token),
});
