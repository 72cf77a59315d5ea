import { expect, test } from "vitest";
import { EventParser, type ServerEvent } from "./-events";

const stream =
  'retry: 3000\n\n: still here\n\nid: 4\nevent: status\ndata: {"total":2}\n\nevent: progress\r\ndata: a\r\ndata:b\r\n\r\n' +
  "id: 9\revent: end\rdata\r\rdata: cut";
const expected: ServerEvent[] = [
  { name: "status", data: '{"total":2}', id: "4" },
  { name: "progress", data: "a\nb", id: "4" },
  { name: "end", data: "", id: "9" },
];

test("events are the same however the stream is cut", () => {
  for (let size = 1; size <= stream.length; size++) {
    const parser = new EventParser();
    const events: ServerEvent[] = [];
    for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
    expect(events).toEqual(expected);
  }
});
