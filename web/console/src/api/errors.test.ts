import { expect, test } from "vitest";
import { urlOf } from "./client";
import { errorOf } from "./errors";

const response = (status: number, headers: Record<string, string> = {}) => new Response(null, { status, headers });

test("errors of all three families come out alike", () => {
  const problem = { field: "/email", code: "required", message: "email is required." };
  const answers = [
    { status: "error", code: "invalid_request", message: "No.", errors: [problem], requestId: "r1" },
    {
      meta: { status: "error", statusCode: 400, validation: [problem] },
      code: "invalid_request",
      message: "No.",
      requestId: "r1",
    },
    {
      meta: { success: false, message: "No.", devMessage: "" },
      body: null,
      code: "invalid_request",
      errors: [problem],
      requestId: "r1",
    },
  ];
  for (const answer of answers) {
    const error = errorOf(response(400), answer);
    expect([error.code, error.message, error.requestId]).toEqual(["invalid_request", "No.", "r1"]);
    expect(error.problems).toEqual([{ ...problem, limit: undefined }]);
  }
});

test("an answer that is none of the API's still says its status and request", () => {
  const error = errorOf(response(502, { "x-request-id": "abc" }), null);
  expect([error.status, error.code, error.requestId, error.isTemporary]).toEqual([502, "unexpected", "abc", true]);
});

test("a wait that the server asks for is kept", () => {
  expect(errorOf(response(429, { "retry-after": "7" }), {}).retryAfterSeconds).toBe(7);
});

test("path arguments are escaped and empty query values left out", () => {
  expect(urlOf("/v1/users/{userId}", { userId: "a/b?c" }, { page: 2, search: "", sort: undefined })).toBe(
    "/v1/users/a%2Fb%3Fc?page=2",
  );
});
