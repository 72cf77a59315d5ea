// Who asked the API for what, and what became of it.
import assert from "node:assert/strict";
import { consoleTests } from "./support/console.ts";
import { look } from "./support/look.ts";

const { test, club } = consoleTests({ members: 20 });

type Log = { data: { requestId: string }[] };

/** The request id of the newest refusal, once it is logged: that happens a moment after the answer. */
async function refusal(): Promise<string> {
  await assert.rejects(club.server.ask("POST", "/v1/users", { key: club.key, body: { email: "not an address" } }));
  for (;;) {
    const { data } = await club.server.ask<Log>("GET", "/v1/api-logs?status=4xx&path=/v1/users", { key: club.key });
    if (data[0]) return data[0].requestId;
  }
}

test("A refused request is found by its id, with what was wrong in it", async ({ page, signIn }) => {
  const id = await refusal();
  await signIn();
  await page.goto(`/c/${club.community.id}`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await page.getByRole("heading", { name: "API log" }).waitFor();
  await page.getByRole("button", { name: "members" }).waitFor();
  await look(page, "api-log");

  await page.getByLabel("Request id, key or path").fill(id);
  await page.getByText("1–1 of 1").waitFor();
  await page.getByRole("button", { name: "POST /v1/users" }).click();
  const entry = page.getByRole("dialog");
  await entry.getByText("What was refused").waitFor();
  await entry.getByText(/\/email · /).waitFor();
  await entry.getByText(id).waitFor();
  await look(page, "api-log-entry");
  await page.keyboard.press("Escape");
  await page.waitForURL((url) => !url.searchParams.has("entry"));
});

test("A bulk job is found by its name, and leads to its page", async ({ page, signIn }) => {
  await signIn();
  await page.goto(`/c/${club.community.id}/api-log`);
  await page.getByText("Bulk jobs", { exact: true }).last().click();
  await page.getByLabel("Name of a bulk job, exactly").fill("members");
  await page.getByText("1–1 of 1").waitFor();
  await page.getByRole("button", { name: "members" }).click();
  await page.getByRole("dialog").getByText("20 of 20 rows").waitFor();
  await page.getByRole("link", { name: "Open this job" }).click();
  await page.getByText("Every row took effect.").waitFor();
});
