import { Button, Group, Modal, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/client";
import type { Problem } from "~/api/errors";
import { ErrorAlert } from "~/components/error-view";
import { problemsToForm } from "~/components/form-errors";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { hiddenText } from "../-list/cells";
import type { Member } from "../-list/members-data";
import { texts } from "../-member.texts";

export function EditProfile({ member, opened, onClose }: { member: Member; opened: boolean; onClose: () => void }) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={texts.editTitle}
      size="lg"
      closeButtonProps={{ "aria-label": common.close }}
    >
      <EditForm member={member} onClose={onClose} />
    </Modal>
  );
}

const parts = ["displayName", "firstName", "lastName", "phone", "country", "language"] as const;
type Values = Record<(typeof parts)[number], string>;

function EditForm({ member, onClose }: { member: Member; onClose: () => void }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const shown = (value: string | null | undefined) => (value && value !== hiddenText ? value : "");
  const before = Object.fromEntries(parts.map((part) => [part, shown(member[part])])) as Values;
  const form = useForm<Values>({ initialValues: before });
  const [others, setOthers] = useState<Problem[]>([]);
  const save = useMutation({
    mutationFn: (values: Values) => {
      const changed = parts.filter((part) => values[part].trim() !== before[part]);
      return api.patch("/v1/users/{userId}", {
        path: { userId: member._id },
        community,
        body: Object.fromEntries(changed.map((part) => [part, values[part].trim() || null])),
      });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["members", community] });
      toast.done(texts.saved);
      onClose();
    },
    onError: (error) => setOthers(problemsToForm(form, error)),
  });
  const input = (part: keyof Values, label: string) => (
    <TextInput
      label={label}
      placeholder={
        (part === "firstName" || part === "lastName") && member[part] === hiddenText ? hiddenText : undefined
      }
      description={
        (part === "firstName" || part === "lastName") && member[part] === hiddenText ? texts.hiddenHint : undefined
      }
      maxLength={100}
      autoComplete="off"
      {...form.getInputProps(part)}
    />
  );
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack>
        <Text size="sm" c="dimmed">
          {texts.editLead}
        </Text>
        <ErrorAlert error={save.error} problems={others} />
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing="sm">
          {input("displayName", texts.displayName)}
          {input("phone", texts.phone)}
          {input("firstName", texts.firstName)}
          {input("lastName", texts.lastName)}
          {input("country", texts.country)}
          {input("language", texts.language)}
        </SimpleGrid>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button type="submit" loading={save.isPending} disabled={!form.isDirty()}>
            {common.save}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
