// Values of a member's fields, changed where they stand, and their histories.
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { consoleTests } from "./support/console.ts";
import { look } from "./support/look.ts";

const { test, club } = consoleTests({
  members: 3,
  before: async (server) => {
    const field = ["field", "create", "--community", club.community.id];
    await server.command(...field, "--name", "Deposit amount", "--type", "numerical");
    await server.command(...field, "--name", "Tier", "--type", "select", "--option", "Silver", "--option", "Gold");
    await server.command(...field, "--name", "Customer number", "--type", "single-line-text", "--identifier");
  },
});

async function open(page: Page, name: string) {
  const { data } = await club.server.ask<{ data: { userId: string } }>("POST", "/v1/users/info", {
    key: club.key,
    body: { idOrEmail: `${name}@example.org` },
  });
  await page.goto(`/c/${club.community.id}/members/${data.userId}`);
  await page.getByText(`@${name}`).waitFor();
}

test("A value is changed where it stands, exactly, undone, and its history tells of it", async ({ page, signIn }) => {
  await signIn();
  await open(page, "member00001");
  await page.getByRole("button", { name: "Change Deposit amount: Empty" }).click();
  const input = page.getByRole("textbox", { name: "Deposit amount" });
  await input.fill("12,5");
  await page.getByText("Write a number such as").waitFor();
  assert.ok(await page.getByRole("button", { name: "Save" }).isDisabled());
  await look(page, "member-field");
  await input.fill("8999999999999.000001");
  await page.keyboard.press("Enter");
  await page.getByText("Deposit amount is saved.").waitFor();
  await page.getByRole("button", { name: "Change Deposit amount: 8999999999999.000001" }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Change Deposit amount: Empty" }).waitFor();

  await page.getByRole("button", { name: "History of Deposit amount" }).click();
  const drawer = page.getByRole("dialog", { name: "History of Deposit amount" });
  await drawer.getByText("8,999,999,999,999.000001").nth(1).waitFor();
  await look(page, "member-field-history");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Change Tier: Empty" }).click();
  await page.getByRole("combobox", { name: "Tier" }).selectOption("Gold");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Tier is saved.").waitFor();
  await page.getByRole("tab", { name: "History" }).click();
  await page.getByRole("tabpanel", { name: "History" }).getByText("Gold").first().waitFor();
  await look(page, "member-history");
});

test("An identifier that another member has is refused at its field", async ({ page, signIn, troubles }) => {
  troubles.expect(/^answer 409 to PATCH /);
  await signIn();
  for (const name of ["member00002", "member00003"]) {
    await open(page, name);
    await page.getByRole("button", { name: "Change Customer number: Empty" }).click();
    await page.getByRole("textbox", { name: "Customer number" }).fill("C-1");
    await page.keyboard.press("Enter");
    if (name === "member00002") await page.getByText("Customer number is saved.").waitFor();
  }
  await page.getByText("belongs to another member").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Change Customer number: Empty" }).waitFor();
});
