import { Badge, Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "~/api/client";
import { useFormMutation } from "~/components/form-mutation";
import { NewPassword, passwordProblem } from "~/components/new-password";
import { Page } from "~/components/page";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { runs, sessionQuery, useMe } from "~/session/session";
import { AccountDialog } from "./-current-password";
import { texts } from "./-me.texts";
import { ScopedNotice, useIsScoped } from "./-scoped";
import { SecondFactorSetup } from "./-second-factor";

export const Route = createFileRoute("/_console/me/security")({ component: Security });

function Security() {
  const me = useMe();
  const scoped = useIsScoped();
  const [dialog, setDialog] = useState<"password" | "on" | "off" | null>(null);
  const close = () => setDialog(null);
  const asking = me.communities.filter((one) => runs(one) && one.secondFactorRequired).map((one) => one.title);
  if (scoped)
    return (
      <Page title={texts.security} lead={texts.securityLead} width="form">
        <ScopedNotice />
      </Page>
    );
  return (
    <Page title={texts.security} lead={texts.securityLead} width="form">
      <Section
        title={texts.password}
        lead={texts.passwordLead}
        actions={
          <Button variant="default" onClick={() => setDialog("password")}>
            {texts.changePassword}
          </Button>
        }
      />
      <Section
        title={texts.factor}
        lead={
          <>
            {texts.factorLead} {asking.length > 0 && texts.requiredBy(asking.join(", "))}
          </>
        }
        actions={
          me.secondFactor ? (
            <Button variant="default" onClick={() => setDialog("off")}>
              {texts.turnOff}
            </Button>
          ) : (
            <Button onClick={() => setDialog("on")}>{texts.turnOn}</Button>
          )
        }
      >
        <Badge color={me.secondFactor ? "teal" : "gray"}>{me.secondFactor ? texts.on : texts.off}</Badge>
      </Section>
      {dialog === "password" && <ChangePassword onClose={close} />}
      {dialog === "on" && <SecondFactorSetup onClose={close} />}
      {dialog === "off" && <SecondFactorOff onClose={close} />}
    </Page>
  );
}

function ChangePassword({ onClose }: { onClose: () => void }) {
  const me = useMe();
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { password: "", confirmPassword: "", currentPassword: "" },
    validate: {
      password: (value) => passwordProblem(value, me.username, me.email),
      confirmPassword: (value, all) => (value === all.password ? null : texts.notEqual),
      currentPassword: isNotEmpty(texts.required),
    },
  });
  const send = useFormMutation(form, {
    mutationFn: (body: typeof form.values) => api.patch("/account", { body }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["sessions"] });
      toast.done(texts.passwordChanged);
      onClose();
    },
  });
  return (
    <AccountDialog onClose={onClose} title={texts.changePassword} form={form} send={send} action={texts.change}>
      <NewPassword
        label={texts.newPassword}
        username={me.username}
        email={me.email}
        data-autofocus
        {...form.getInputProps("password")}
      />
      <PasswordInput label={texts.repeat} autoComplete="new-password" {...form.getInputProps("confirmPassword")} />
    </AccountDialog>
  );
}

function SecondFactorOff({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { code: "", currentPassword: "" },
    validate: { code: isNotEmpty(texts.required), currentPassword: isNotEmpty(texts.required) },
  });
  const send = useFormMutation(form, {
    mutationFn: ({ code, currentPassword }: typeof form.values) => {
      const digits = code.replace(/\s/g, "");
      return api.post("/auth/second-factor/disable", {
        body: { currentPassword, ...(/^\d{6}$/.test(digits) ? { code: digits } : { recoveryCode: code.trim() }) },
      });
    },
    names: { recoveryCode: "code" },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      toast.done(texts.factorOffDone);
      onClose();
    },
  });
  return (
    <AccountDialog onClose={onClose} title={texts.factorOffTitle} form={form} send={send} action={texts.turnOff}>
      <Stack gap="xs">
        <Text size="sm">{texts.factorOffText}</Text>
        <TextInput
          label={texts.codeOrRecovery}
          autoComplete="one-time-code"
          spellCheck={false}
          data-autofocus
          {...form.getInputProps("code")}
        />
      </Stack>
    </AccountDialog>
  );
}
