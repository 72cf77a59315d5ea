// Password, then the QR code and the first code of the app, then the recovery codes, which are shown once.
import { Alert, Button, Center, Group, Modal, Paper, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { isNotEmpty, matches, useForm } from "@mantine/form";
import { useClipboard } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Check, Copy, Download, LifeBuoy } from "lucide-react";
import { useMemo, useState } from "react";
import { encode } from "uqr";
import { api } from "~/api/client";
import { CopyText } from "~/components/copy-text";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { toast } from "~/components/toast";
import { sessionQuery, useMe } from "~/session/session";
import { common } from "~/texts/common.texts";
import { AccountDialog } from "./-current-password";
import { texts } from "./-me.texts";

type Secret = { secret: string; url: string };

export function SecondFactorSetup({ onClose }: { onClose: () => void }) {
  const [secret, setSecret] = useState<Secret | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  if (codes) return <RecoveryCodes codes={codes} onClose={onClose} />;
  if (secret) return <Confirmation secret={secret} onDone={setCodes} onClose={onClose} />;
  return <AskPassword onDone={setSecret} onClose={onClose} />;
}

function AskPassword({ onDone, onClose }: { onDone: (secret: Secret) => void; onClose: () => void }) {
  const form = useForm({
    initialValues: { currentPassword: "" },
    validate: { currentPassword: isNotEmpty(texts.required) },
  });
  const send = useFormMutation(form, {
    mutationFn: (body: typeof form.values) => api.post("/auth/second-factor/setup", { body }),
    onSuccess: (answer) => onDone(answer.body),
  });
  return <AccountDialog onClose={onClose} title={texts.factor} form={form} send={send} action={common.next} />;
}

/** Modules of a QR code as one path, on white in both colour schemes: cameras want it so. */
function QrCode({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => {
    const { data, size } = encode(text, { ecc: "M", border: 2 });
    const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
    return { path, size };
  }, [text]);
  return (
    <svg
      viewBox={`0 0 ${size} ${size}`}
      width={196}
      height={196}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

function Confirmation({
  secret,
  onDone,
  onClose,
}: {
  secret: Secret;
  onDone: (codes: string[]) => void;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { code: "" },
    validate: { code: matches(/^\s*\d{3}\s?\d{3}\s*$/, texts.codeInvalid) },
  });
  const send = useFormMutation(form, {
    mutationFn: ({ code }: { code: string }) =>
      api.post("/auth/second-factor/confirm", { body: { code: code.replace(/\s/g, "") } }),
    onSuccess: (answer) => {
      void queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      onDone(answer.body.recoveryCodes);
    },
  });
  return (
    <FormModal title={texts.scan} onClose={onClose} form={form} send={send} action={texts.confirm}>
      <Text size="sm" c="dimmed">
        {texts.scanHow}
      </Text>
      <Center>
        <Paper p={4} bg="white">
          <QrCode text={secret.url} label={texts.qrLabel} />
        </Paper>
      </Center>
      <div>
        <Text size="sm" mb={4}>
          {texts.cannotScan}
        </Text>
        <CopyText text={secret.secret.replace(/(.{4})(?=.)/g, "$1 ")} value={secret.secret} />
      </div>
      <TextInput
        label={texts.codeNow}
        inputMode="numeric"
        autoComplete="one-time-code"
        data-autofocus
        {...form.getInputProps("code")}
      />
    </FormModal>
  );
}

function RecoveryCodes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const me = useMe();
  const clipboard = useClipboard({ timeout: 3000 });
  const file = useMemo(
    () =>
      URL.createObjectURL(
        new Blob([[texts.recoveryFileHead(`${me.username} (${window.location.host})`), "", ...codes, ""].join("\n")], {
          type: "text/plain",
        }),
      ),
    [codes, me.username],
  );
  const done = () => {
    URL.revokeObjectURL(file);
    toast.done(texts.factorOnDone);
    onClose();
  };
  return (
    <Modal
      opened
      onClose={done}
      title={texts.recoveryTitle}
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
    >
      <Stack>
        <Alert color="yellow" icon={<LifeBuoy size={18} aria-hidden />}>
          {texts.recoveryText}
        </Alert>
        <Paper p="md">
          <SimpleGrid cols={2} spacing="xs" component="ul" style={{ listStyle: "none", padding: 0, margin: 0 }}>
            {codes.map((code) => (
              <Text component="li" key={code} ff="monospace" size="sm" ta="center">
                {code}
              </Text>
            ))}
          </SimpleGrid>
        </Paper>
        <Group justify="space-between">
          <Group gap="xs">
            <Button
              component="a"
              href={file}
              download={texts.recoveryFile}
              variant="default"
              leftSection={<Download size={16} aria-hidden />}
            >
              {texts.download}
            </Button>
            <Button
              variant="default"
              leftSection={clipboard.copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
              onClick={() => clipboard.copy(codes.join("\n"))}
            >
              {clipboard.copied ? common.copied : texts.copyAll}
            </Button>
          </Group>
          <Button onClick={done}>{texts.stored}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
