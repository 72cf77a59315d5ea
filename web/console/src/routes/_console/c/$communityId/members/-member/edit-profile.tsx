import { SimpleGrid, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { api } from "~/api/client";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { hiddenText } from "../-list/cells";
import type { Member } from "../-list/members-data";
import { texts } from "../-member.texts";

const parts = ["displayName", "firstName", "lastName", "phone", "country", "language"] as const;
type Values = Record<(typeof parts)[number], string>;

export function EditProfile({ member, onClose }: { member: Member; onClose: () => void }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const shown = (value: string | null | undefined) => (value && value !== hiddenText ? value : "");
  const before = Object.fromEntries(parts.map((part) => [part, shown(member[part])])) as Values;
  const form = useForm<Values>({ initialValues: before });
  const send = useFormMutation(form, {
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
    <FormModal
      title={texts.editTitle}
      size="lg"
      onClose={onClose}
      form={form}
      send={send}
      action={common.save}
      disabled={!form.isDirty()}
    >
      <Text size="sm" c="dimmed">
        {texts.editLead}
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing="sm">
        {input("displayName", texts.displayName)}
        {input("phone", texts.phone)}
        {input("firstName", texts.firstName)}
        {input("lastName", texts.lastName)}
        {input("country", texts.country)}
        {input("language", texts.language)}
      </SimpleGrid>
    </FormModal>
  );
}
