const onMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);
/** What the key of commands is called at this machine. */
export const commandKey = onMac ? "⌘" : "Ctrl";
