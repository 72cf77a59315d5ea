import { Group, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { type AnswerOf, api } from "~/api/client";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { texts } from "./-api-keys.texts";
import { PermissionPicker } from "./-permissions";

export type ApiKey = AnswerOf<"get", "/v1/communities/{communityId}/api-keys">["data"][number];

type Values = {
  name: string;
  permissions: string[];
  expiry: string;
  day: string;
  allowedIps: string[];
  isActive: boolean;
};

/** How the choice of an end is sent: the earlier of period and date counts, so the other one is taken away. */
function endOf({ expiry, day }: Values) {
  if (expiry === "keep") return {};
  if (expiry === "never") return { expirePeriod: 0, expireDate: "" };
  if (expiry === "date") return { expirePeriod: 0, expireDate: day };
  return { expirePeriod: Number(expiry), expireDate: "" };
}

/** Makes a key, or changes `apiKey`. */
export function KeyForm({
  apiKey,
  onClose,
  onMade,
}: {
  apiKey?: ApiKey;
  onClose: () => void;
  onMade?: (key: string) => void;
}) {
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const queries = useQueryClient();
  const form = useForm<Values>({
    initialValues: {
      name: apiKey?.name ?? "",
      permissions: apiKey?.permissions ?? [],
      expiry: apiKey ? "keep" : "365",
      day: "",
      allowedIps: apiKey?.allowedIps ?? [],
      isActive: apiKey?.isActive ?? true,
    },
    validate: {
      name: isNotEmpty(texts.required),
      permissions: (value) => (value.length === 0 ? texts.choosePermission : null),
      day: (value, all) => (all.expiry === "date" && value === "" ? texts.required : null),
    },
  });
  const send = useFormMutation(form, {
    mutationFn: (values: Values) => {
      const body = {
        name: values.name.trim(),
        permissions: values.permissions,
        allowedIps: values.allowedIps,
        isActive: values.isActive,
        ...endOf(values),
      };
      return apiKey
        ? api.put("/v1/communities/{communityId}/api-keys/{apiKeyId}", {
            path: { communityId, apiKeyId: apiKey._id },
            body,
          })
        : api.post("/v1/communities/{communityId}/api-keys", { path: { communityId }, body });
    },
    names: { expireDate: "day", expirePeriod: "expiry" },
    onSuccess: (answer) => {
      void queries.invalidateQueries({ queryKey: ["api-keys", communityId] });
      if (onMade) onMade(answer.data.key);
      else {
        toast.done(texts.saved);
        onClose();
      }
    },
  });
  const choices = [...(apiKey ? ["keep"] : []), "30", "90", "365", "date", "never"];
  return (
    <FormModal
      title={apiKey ? texts.editTitle(apiKey.name) : texts.createTitle}
      onClose={onClose}
      form={form}
      send={send}
      action={apiKey ? common.save : texts.create}
      size="xl"
    >
      <TextInput
        label={texts.name}
        description={texts.nameHint}
        maxLength={100}
        autoComplete="off"
        data-autofocus
        {...form.getInputProps("name")}
      />
      <PermissionPicker {...form.getInputProps("permissions")} />
      <Group align="flex-start" grow preventGrowOverflow={false}>
        <Select
          label={texts.expiry}
          description={apiKey?.expireDate ? format.dateTime(apiKey.expireDate) : texts.expiryHint}
          data={choices.map((value) => ({ value, label: texts.expiries[value]! }))}
          allowDeselect={false}
          {...form.getInputProps("expiry")}
        />
        {form.values.expiry === "date" && (
          <TextInput
            type="date"
            label={texts.day}
            description={texts.dayHint}
            min={new Date().toISOString().slice(0, 10)}
            {...form.getInputProps("day")}
          />
        )}
      </Group>
      <TagsInput
        label={texts.addresses}
        description={texts.addressesHint}
        splitChars={[",", " ", ";"]}
        maxTags={50}
        acceptValueOnBlur
        {...form.getInputProps("allowedIps")}
        error={Object.entries(form.errors).find(([name]) => name.startsWith("allowedIps"))?.[1]}
      />
      {apiKey && (
        <Switch
          label={texts.active}
          description={texts.activeHint}
          {...form.getInputProps("isActive", { type: "checkbox" })}
        />
      )}
    </FormModal>
  );
}
