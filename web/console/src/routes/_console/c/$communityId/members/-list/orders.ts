/** How the list may be sorted; apart from what asks for it, since addresses are read before the page's code is there. */
export const orders = ["oldest", "newest", "name", "xp", "seen"] as const;
export type Order = (typeof orders)[number];
