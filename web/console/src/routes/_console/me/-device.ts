import { texts } from "./-me.texts";

/** "Firefox on Windows" of a user agent; what is no browser is shown as it called itself. */
export function deviceName(agent: string): string {
  if (agent === "") return texts.unknownDevice;
  const find = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = find([
    [/Edg\//, "Edge"],
    [/OPR\//, "Opera"],
    [/Firefox\//, "Firefox"],
    [/Chrome\//, "Chrome"],
    [/Safari\//, "Safari"],
  ]);
  const system = find([
    [/iPhone|iPad/, "iOS"],
    [/Android/, "Android"],
    [/Windows/, "Windows"],
    [/Mac OS X/, "macOS"],
    [/Linux/, "Linux"],
  ]);
  return browser ? [browser, system].filter(Boolean).join(" · ") : agent;
}
