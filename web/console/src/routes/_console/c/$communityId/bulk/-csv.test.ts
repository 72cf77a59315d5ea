import { expect, test } from "vitest";
import {
  type Catalogue,
  catalogueOf,
  checkHeader,
  checkRow,
  type Preview,
  readPreview,
  suggest,
  templateHeader,
  withHeader,
} from "./-csv";

const templates = {
  update: templateHeader(
    "\uFEFFEmail,First Name,Country,Role,XP_op,XP,Coins_op,Coins,Deposit amount_op,Deposit amount,Shirt size\r\n",
  ),
  premium: ["Email", "Premium Currency", "Premium Currency_op"],
  import: ["First Name", "Last Name", "Username", "Email", "Country"],
};
const keys = new Map([["deposit-amount", "Deposit amount"]]);
const update = catalogueOf("update", templates, keys);
const known = (catalogue: Catalogue) => (name: string) => catalogue.columns.includes(name);
const read = async (content: BlobPart | BlobPart[]) =>
  readPreview(new Blob(Array.isArray(content) ? content : [content]), known(update));
const readGood = async (content: BlobPart | BlobPart[]) => {
  const preview = await read(content);
  expect(typeof preview).toBe("object");
  return preview as Preview;
};
const utf16 = (text: string, little: boolean) => {
  const bytes = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) new DataView(bytes.buffer).setUint16(i * 2, text.charCodeAt(i), little);
  return bytes;
};
const bytesOf = async (blob: Blob) => [...new Uint8Array(await blob.arrayBuffer())];

test("delimiters are found by the names that are known", async () => {
  for (const delimiter of [",", ";", "\t"]) {
    const preview = await readGood(
      `${["Email", "Coins_op", "Coins"].join(delimiter)}\r\nana@example.org${delimiter.repeat(2)}`,
    );
    expect([preview.delimiter, preview.header]).toEqual([delimiter, ["Email", "Coins_op", "Coins"]]);
  }
  const named = await readGood("sep=|\nEmail|First Name\nana@example.org|A, B");
  expect([named.delimiter, named.rows]).toEqual(["|", [["ana@example.org", "A, B"]]]);
});

test("every encoding that the server takes is read, and others are told apart", async () => {
  const text = "Email,First Name\nana@example.org,Łucja\n";
  for (const [content, encoding] of [
    [text, "utf-8"],
    [`\uFEFF${text}`, "utf-8-mark"],
    [utf16(`\uFEFF${text}`, true), "utf-16le"],
    [utf16(`\uFEFF${text}`, false), "utf-16be"],
  ] as const) {
    const preview = await readGood(content);
    expect([preview.encoding, preview.rows, preview.rowCount]).toEqual([encoding, [["ana@example.org", "Łucja"]], 1]);
  }
  expect(await read(new Uint8Array([...new TextEncoder().encode("Email,First Name\nana@example.org,Z"), 0xfc]))).toBe(
    "encoding",
  );
  expect(await read(new Uint8Array([0x50, 0x4b, 3, 4, 0, 0]))).toBe("xlsx");
  expect(await read(new Uint8Array([0xd0, 0xcf, 0x11, 0xe0]))).toBe("xls");
  expect(await read(new Uint8Array([0x1f, 0x8b, 8]))).toBe("packed");
  expect(await read("Email\0,First Name\nx,y")).toBe("binary");
  expect(await read("")).toBe("empty");
  expect(await read(" \r\n")).toBe("empty");
  expect(await read("Email,First Name\r\n\r\n,\r\n")).toBe("noRows");
});

test("of a large file the first part is read, whatever it cuts, and its rows are estimated", async () => {
  const row = 'ana@example.org,"Ł, ""Ł""\r\nŁ"\r\n';
  const preview = await readGood(["Email,First Name\r\n", row.repeat(20_000)]);
  expect(preview.exact).toBe(false);
  expect(preview.rows).toHaveLength(20);
  expect(new Set(preview.rows.map((cells) => cells.join("|")))).toEqual(new Set(['ana@example.org|Ł, "Ł"\r\nŁ']));
  expect(Math.abs(preview.rowCount - 20_000)).toBeLessThan(20);
  expect(await read(["Email,", "x".repeat(80_000), "\n1,2\n"])).toBe("headerTooLong");
});

test("other names are put into the header and every other byte stays", async () => {
  const body = "ana@example.org,5,add\r\n";
  for (const [start, encode] of [
    ["", (text: string) => [...new TextEncoder().encode(text)]],
    ["\uFEFF", (text: string) => [...new TextEncoder().encode(text)]],
    ["\uFEFF", (text: string) => [...utf16(text, true)]],
    ["\uFEFF", (text: string) => [...utf16(text, false)]],
    ["\uFEFFsep=,\r\n", (text: string) => [...new TextEncoder().encode(text)]],
  ] as const) {
    const file = new Blob([new Uint8Array(encode(`${start}"e-mail",coins,Łop\r\n${body}`))]);
    const preview = (await readPreview(file, () => false)) as Preview;
    const renamed = withHeader(file, preview, ["Email", "Coins", "a,b"]);
    expect(preview.rows).toEqual([["ana@example.org", "5", "add"]]);
    expect(await bytesOf(renamed)).toEqual(encode(`${start}Email,Coins,"a,b"\r\n${body}`));
  }
});

test("no row is lost with the header, however it is quoted and whatever ends its line", async () => {
  for (const end of ["\n", "\r\n", "\r"])
    for (const header of ["e-mail;Coins;x", '"e-mail";Coins;x', 'e-mail;"Co\nins";x', "e-mail;Coins;"]) {
      const rows = ["ana@example.org;5;", "ben@example.org;6;a", "cai@example.org;7;b"];
      const file = new Blob([[header, ...rows].join(end)]);
      const preview = (await readPreview(file, (name) => name === "Coins")) as Preview;
      expect(await withHeader(file, preview, ["Email", "Coins", "X"]).text()).toBe(
        ["Email;Coins;X", ...rows].join(end),
      );
    }
});

test("names that are nearly right get a suggestion", () => {
  for (const [name, column] of [
    ["email", "Email"],
    ["E-Mail", "Email"],
    ["first_name", "First Name"],
    ["Cions", "Coins"],
    ["coins_OP", "Coins_op"],
    ["deposit-amount", "Deposit amount"],
    ["user id", "User ID"],
  ])
    expect([name, suggest(name!, update)]).toEqual([name, column]);
  for (const name of ["", "PX", "Nickname", "Balance"])
    expect([name, suggest(name, update)]).toEqual([name, undefined]);
});

test("headers are judged as the server judges them", () => {
  const told = (kind: "update" | "premium" | "import", header: string) => {
    const check = checkHeader(kind, header.split(","), catalogueOf(kind, templates, keys));
    const columns = check.columns.map((column) => column.problem ?? column.role).join(" ");
    return [columns, check.missing.join(" "), check.nothingToChange ? "nothing" : "", check.good].join("|");
  };
  const cases = [
    ["update", "Email,Coins_op,Coins,Shirt size", "key operator value value|||true"],
    ["update", "User ID,Deposit amount", "key value|||true"],
    ["update", "Email,Coins", "key operatorMissing|||false"],
    ["update", "Email,Coins_op", "key operatorWithoutValue|||false"],
    ["update", "Email,First Name_op,First Name", "key operatorNotAllowed value|||false"],
    ["update", "Email,Email,First Name", "key duplicate value|||false"],
    ["update", "Email,,First Name", "key emptyName value|||false"],
    ["update", "Email,#note,First Name", "key ignored value|||true"],
    ["update", "Email,First Name,status,error_code,error_message", "key value ignored ignored ignored|||true"],
    ["update", "Email,status,First Name", "key unknown value|||false"],
    ["update", "Email,Username", "key key||nothing|false"],
    ["update", "First Name", "value|Email||false"],
    ["premium", "Premium Currency_op,Email,Premium Currency", "operator key value|||true"],
    ["premium", "Email,Premium Currency", "key value|Premium Currency_op||false"],
    ["premium", "Email,Premium Currency,Premium Currency_op,Country", "key value operator unknown|||false"],
    ["import", "Username,Email,First Name,Last Name,XP_op,XP", "value key value value operator value|||true"],
    ["import", "User ID,Email", "unexpected key|||false"],
  ] as const;
  for (const [kind, header, expected] of cases) expect([header, told(kind, header)]).toEqual([header, expected]);
});

test("what is plainly wrong in a row is seen", () => {
  const { columns } = checkHeader("update", ["Email", "Coins_op", "Coins", "Deposit amount"], update);
  const told = (row: string) =>
    checkRow(columns, row.split("|"), update.numerical)
      .map(({ column, problem }) => `${column}:${problem}`)
      .join(" ");
  for (const [row, expected] of [
    ["ana@example.org|add|50|", ""],
    ["ana@example.org|add||", ""],
    ["ana@example.org|||-5.25", ""],
    ["ana@example.org|Add|50|", "1:operator"],
    ["ana@example.org||50|", "1:noOperator"],
    ["ana@example.org|add|1,5|", "2:number"],
    ["ana@example.org|add|1e3|1.1234567", "2:number 3:number"],
    ["|add|5|", "0:noKey"],
    ["ana|add|5|", "0:email"],
    ["ana@example.org|add|5", "-1:cells"],
    ["ana@example.org|add|5||x", "-1:cells"],
    ["ana@example.org|add|5||", ""],
  ])
    expect([row, told(row!)]).toEqual([row, expected]);
});
