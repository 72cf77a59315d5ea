import type { UseFormReturnType } from "@mantine/form";
import { type UseMutationResult, useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, type Problem } from "~/api/errors";
import { problemsToForm } from "./form-errors";

// biome-ignore lint/suspicious/noExplicitAny: a form of any values and any transformation of them
export type SentForm<V extends Record<string, unknown>> = UseFormReturnType<V, any>;
export type FormAlert = { error: unknown; problems?: Problem[] };
/** What the frames of forms need of a useFormMutation. */
export type Sending<V> = { mutate: (values: V) => void; isPending: boolean; alert: FormAlert };

/**
 * What a form sends. A refusal's problems stand at their fields; `alert` is what belongs above the form: nothing when all of them
 * found their place.
 *
 *   const send = useFormMutation(form, { mutationFn: (values) => api.post(…), onSuccess });
 *   <form onSubmit={form.onSubmit((values) => send.mutate(values))}> <ErrorAlert {...send.alert} />
 */
export function useFormMutation<V extends Record<string, unknown>, In, Out>(
  form: SentForm<V>,
  {
    mutationFn,
    onSuccess,
    onError,
    names,
  }: {
    mutationFn: (input: In) => Promise<Out>;
    onSuccess?: (answer: Out, input: In) => unknown;
    onError?: (error: unknown) => void;
    /** Members of the request that are called otherwise in the form. */
    names?: Record<string, string>;
  },
): UseMutationResult<Out, unknown, In> & { alert: { error: unknown; problems: Problem[] } } {
  const [others, setOthers] = useState<{ error: unknown; problems: Problem[] }>({ error: null, problems: [] });
  const mutation = useMutation<Out, unknown, In>({
    mutationFn,
    onMutate: () => setOthers({ error: null, problems: [] }),
    onError: (error) => {
      const problems = problemsToForm(form, error, names);
      const listed = error instanceof ApiError ? error.problems.length : 0;
      setOthers({ error: problems.length > 0 || listed === 0 ? error : null, problems });
      onError?.(error);
    },
    onSuccess,
  });
  return { ...mutation, alert: mutation.error ? others : { error: null, problems: [] } };
}
