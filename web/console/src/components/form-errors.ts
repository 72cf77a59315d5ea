import type { UseFormReturnType } from "@mantine/form";
import { ApiError, type Problem } from "~/api/errors";

const formPath = (pointer: string) => pointer.replace(/^\//, "").replaceAll("/", ".");

/**
 * Puts the problems of a refused request at the fields of its form and gives back those that belong to none, for ErrorAlert.
 * `names` maps members of the request to fields where they are called otherwise.
 */
export function problemsToForm<V extends Record<string, unknown>>(
  // biome-ignore lint/suspicious/noExplicitAny: a form of any values and any transformation of them
  form: UseFormReturnType<V, any>,
  error: unknown,
  names: Record<string, string> = {},
): Problem[] {
  if (!(error instanceof ApiError)) return [];
  const others: Problem[] = [];
  const values = form.getValues();
  for (const problem of error.problems) {
    const path = names[formPath(problem.field)] ?? formPath(problem.field);
    if (path !== "" && path.split(".")[0]! in values) form.setFieldError(path, problem.message);
    else others.push(problem);
  }
  return others;
}
