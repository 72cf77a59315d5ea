import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { common } from "~/texts/common.texts";
import { ErrorAlert } from "./error-view";
import type { Sending, SentForm } from "./form-mutation";
import { FormStack } from "./form-stack";
import { Section } from "./section";
import { useUnsaved } from "./unsaved";

/** A part of a page of settings that is changed and saved as a whole. */
export function FormSection<V extends Record<string, unknown>>({
  title,
  lead,
  form,
  send,
  onSubmit = (values) => send.mutate(values),
  children,
}: {
  title: string;
  lead?: ReactNode;
  form: SentForm<V>;
  send: Sending<V>;
  /** Where something is asked before it is sent. */
  onSubmit?: (values: V) => void;
  children: ReactNode;
}) {
  const dirty = form.isDirty();
  const { question } = useUnsaved(dirty);
  return (
    <>
      <form onSubmit={form.onSubmit(onSubmit)} noValidate>
        <Section
          title={title}
          lead={lead}
          footer={
            <>
              <Button variant="default" onClick={() => form.reset()} disabled={!dirty || send.isPending}>
                {common.reset}
              </Button>
              <Button type="submit" loading={send.isPending} disabled={!dirty}>
                {common.save}
              </Button>
            </>
          }
        >
          <FormStack>
            <ErrorAlert {...send.alert} />
            {children}
          </FormStack>
        </Section>
      </form>
      {question}
    </>
  );
}
