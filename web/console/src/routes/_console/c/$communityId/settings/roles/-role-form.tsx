import { ColorInput, Fieldset, NumberInput, SimpleGrid, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { api } from "~/api/client";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { everybody, type Role } from "../../-catalogue";
import { notForEverybody, permissionGroups } from "./-permission-groups";
import { texts } from "./-roles.texts";

/** Offered beside any other colour. */
const swatches = ["#5b63d3", "#0c8599", "#2f9e44", "#e8590c", "#c92a2a", "#9c36b5", "#495057"];

export function RoleForm({ role, highest, onClose }: { role?: Role; highest: number; onClose: () => void }) {
  const community = useCommunity();
  const communityId = community._id;
  const owner = community.role === "COMMUNITY_OWNER";
  const base = role?.title === everybody;
  const queries = useQueryClient();
  const form = useForm({
    initialValues: {
      title: role?.title ?? "",
      description: role?.description ?? "",
      class: role?.class ?? "",
      order: (role?.order ?? Math.max(1, highest)) as number | string,
      serverPermissions: { ...(role?.serverPermissions as Record<string, boolean> | undefined) },
      channelPermissions: { ...(role?.channelPermissions as Record<string, boolean> | undefined) },
    },
    validate: { title: isNotEmpty(texts.required) },
  });
  const send = useFormMutation(form, {
    mutationFn: (values: typeof form.values) => {
      const { title, order, ...rest } = values;
      // The base role keeps its name and its rank.
      const body = { ...rest, ...(base ? {} : { title: title.trim(), order: Number(order) }) };
      return role
        ? api.put("/roles/{userId}", {
            path: { userId: role._id },
            community: communityId,
            body: { ...body, ifVersion: role.__v },
          })
        : api.post("/roles", { community: communityId, body });
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["roles", communityId] });
      toast.done(texts.saved);
      onClose();
    },
  });
  const administrates = form.values.serverPermissions.server_administrator === true;
  return (
    <FormModal
      title={role ? texts.editTitle(role.title) : texts.createTitle}
      onClose={onClose}
      form={form}
      send={send}
      action={role ? common.save : texts.create}
      size="lg"
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={texts.name}
          description={base ? texts.baseName : texts.nameHint}
          inputWrapperOrder={["label", "input", "description", "error"]}
          maxLength={50}
          autoComplete="off"
          disabled={base}
          data-autofocus={base ? undefined : true}
          {...form.getInputProps("title")}
        />
        <NumberInput
          label={texts.rank}
          description={texts.rankHint}
          inputWrapperOrder={["label", "input", "description", "error"]}
          allowDecimal={false}
          allowNegative={false}
          max={1_000_000}
          disabled={base}
          {...form.getInputProps("order")}
        />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Textarea
          label={texts.description}
          autosize
          minRows={1}
          maxRows={4}
          maxLength={500}
          {...form.getInputProps("description")}
        />
        <ColorInput
          label={texts.colour}
          description={texts.colourHint}
          inputWrapperOrder={["label", "input", "description", "error"]}
          swatches={swatches}
          swatchesPerRow={7}
          withEyeDropper={false}
          format="hex"
          {...form.getInputProps("class")}
        />
      </SimpleGrid>
      {permissionGroups.map(({ group, set, names }) => (
        <Fieldset key={group} legend={texts.groups[group]} p="sm">
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
            {names
              .filter((name) => !(base && notForEverybody.has(name)))
              .map((name) => (
                <Switch
                  key={name}
                  size="sm"
                  label={texts.permission[name]?.[0] ?? name}
                  description={texts.permission[name]?.[1] || undefined}
                  disabled={name === "server_administrator" && !owner}
                  {...form.getInputProps(`${set}.${name}`, { type: "checkbox" })}
                />
              ))}
          </SimpleGrid>
        </Fieldset>
      ))}
      {administrates && (
        <Text size="sm" c="dimmed">
          {texts.adminNote}
        </Text>
      )}
    </FormModal>
  );
}
