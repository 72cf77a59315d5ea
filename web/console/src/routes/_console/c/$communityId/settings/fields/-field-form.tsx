import {
  Checkbox,
  Input,
  NumberInput,
  Radio,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Textarea,
  TextInput,
} from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { api, type BodyOf } from "~/api/client";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import type { UserField as Field } from "../../-catalogue";
import { texts } from "./-fields.texts";

type Body = BodyOf<"post", "/v1/communities/{communityId}/user-fields">;
type Type = Body["type"];

/** Those that are offered; the others are second names, kept where a field has one. */
const offered: Type[] = ["single-line-text", "multi-line-text", "numerical", "date", "boolean", "select"];

const identifying = new Set<Type>(["single-line-text", "text", "numerical", "number"]);

/** Texts of any type: an amount stays as it was written. */
const asText = (value: unknown): string => (value === null || value === undefined ? "" : String(value));

function defaultOf(type: Type, text: string): unknown {
  if (text.trim() === "") return null;
  return type === "boolean" ? text === "true" : text.trim();
}

/** Makes a field, or changes `field`. */
export function FieldForm({ field, onClose }: { field?: Field; onClose: () => void }) {
  const { _id: communityId } = useCommunity();
  const queries = useQueryClient();
  const form = useForm({
    initialValues: {
      name: field?.name ?? "",
      field: field?.field ?? "",
      type: (field?.type ?? "single-line-text") as Type,
      description: field?.description ?? "",
      options: field?.options ?? [],
      defaultValue: asText(field?.defaultValue),
      visibility: (field?.visibility ?? "admin") as NonNullable<Body["visibility"]>,
      required: field?.required ?? false,
      memberEditable: field?.memberEditable ?? false,
      identifier: field?.identifier?.enabled ?? false,
      dataAttribute: field?.identifier?.dataAttribute ?? "",
    },
    validate: {
      name: isNotEmpty(texts.required),
      options: (value, all) => (all.type === "select" && value.length === 0 ? texts.optionsNeeded : null),
    },
  });
  const { type } = form.values;
  const send = useFormMutation(form, {
    mutationFn: ({ dataAttribute, identifier, field: key, ...values }: typeof form.values) => {
      const body: Body = {
        ...values,
        name: values.name.trim(),
        options: values.type === "select" ? values.options : [],
        defaultValue: defaultOf(values.type, values.defaultValue),
        memberEditable: values.memberEditable && !(identifier && identifying.has(values.type)),
        identifier:
          identifier && identifying.has(values.type)
            ? { enabled: true, dataAttribute: dataAttribute.trim() || null }
            : null,
        ...(field || key.trim() === "" ? {} : { field: key.trim() }),
      };
      return field
        ? api.put("/v1/communities/{communityId}/user-fields/{fieldId}", {
            path: { communityId, fieldId: field._id },
            body,
          })
        : api.post("/v1/communities/{communityId}/user-fields", { path: { communityId }, body });
    },
    names: { "identifier.dataAttribute": "dataAttribute" },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["user-fields", communityId] });
      toast.done(texts.saved);
      onClose();
    },
  });
  const types = [...new Set([...offered, type])];
  const canIdentify = identifying.has(type);
  const optionsError = Object.entries(form.errors).find(([name]) => name.startsWith("options"))?.[1];
  return (
    <FormModal
      title={field ? texts.editTitle(field.name) : texts.createTitle}
      onClose={onClose}
      form={form}
      send={send}
      action={field ? common.save : texts.create}
      size="lg"
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={texts.name}
          description={texts.nameHint}
          inputWrapperOrder={["label", "input", "description", "error"]}
          maxLength={100}
          autoComplete="off"
          data-autofocus
          {...form.getInputProps("name")}
        />
        <TextInput
          label={texts.key}
          description={field ? texts.keyFixed : texts.keyHint}
          inputWrapperOrder={["label", "input", "description", "error"]}
          maxLength={50}
          autoComplete="off"
          spellCheck={false}
          disabled={field !== undefined}
          {...form.getInputProps("field")}
        />
      </SimpleGrid>
      <Radio.Group
        label={texts.type}
        description={field && field.type !== type ? texts.typeInUse : undefined}
        {...form.getInputProps("type")}
        onChange={(value) => {
          form.setFieldValue("type", value as Type);
          form.setFieldValue("defaultValue", "");
        }}
      >
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs" mt={6}>
          {types.map((one) => (
            <Radio key={one} value={one} label={texts.types[one]![0]} description={texts.types[one]![1]} />
          ))}
        </SimpleGrid>
      </Radio.Group>
      {type === "select" && (
        <TagsInput
          label={texts.options}
          description={field ? `${texts.optionsHint} ${texts.optionRemoved}` : texts.optionsHint}
          maxTags={200}
          acceptValueOnBlur
          {...form.getInputProps("options")}
          error={optionsError}
        />
      )}
      <Textarea
        label={texts.description}
        description={texts.descriptionHint}
        autosize
        minRows={1}
        maxRows={5}
        maxLength={500}
        {...form.getInputProps("description")}
      />
      <DefaultValue type={type} options={form.values.options} {...form.getInputProps("defaultValue")} />
      <Radio.Group label={texts.visibility} {...form.getInputProps("visibility")}>
        <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="xs" mt={6}>
          {Object.entries(texts.visibilities).map(([value, [label, description]]) => (
            <Radio key={value} value={value} label={label} description={description} />
          ))}
        </SimpleGrid>
      </Radio.Group>
      <Stack gap="sm">
        <Switch
          label={texts.isRequired}
          description={texts.isRequiredHint}
          {...form.getInputProps("required", { type: "checkbox" })}
        />
        <Switch
          label={texts.memberEditable}
          description={canIdentify && form.values.identifier ? texts.memberEditableNot : texts.memberEditableHint}
          disabled={canIdentify && form.values.identifier}
          {...form.getInputProps("memberEditable", { type: "checkbox" })}
        />
        {canIdentify && (
          <Checkbox
            label={texts.identifier}
            description={texts.identifierHint}
            {...form.getInputProps("identifier", { type: "checkbox" })}
          />
        )}
        {canIdentify && form.values.identifier && (
          <TextInput
            label={texts.dataAttribute}
            description={texts.dataAttributeHint}
            placeholder="data-customer-id"
            autoComplete="off"
            spellCheck={false}
            {...form.getInputProps("dataAttribute")}
          />
        )}
      </Stack>
    </FormModal>
  );
}

function DefaultValue({
  type,
  options,
  value,
  onChange,
  error,
}: {
  type: Type;
  options: string[];
  value?: string;
  onChange?: (value: string) => void;
  error?: React.ReactNode;
}) {
  const shared = { label: texts.defaultValue, description: texts.defaultHint, error };
  const change = (text: string) => onChange?.(text);
  switch (type) {
    case "boolean":
      return (
        <Input.Wrapper {...shared} labelElement="div">
          <SegmentedControl
            mt={4}
            display="flex"
            w="fit-content"
            aria-label={texts.defaultValue}
            data={[
              { value: "", label: texts.noDefault },
              { value: "true", label: texts.yes },
              { value: "false", label: texts.no },
            ]}
            value={value}
            onChange={change}
          />
        </Input.Wrapper>
      );
    case "select":
      return (
        <Select
          {...shared}
          data={options}
          clearable
          placeholder={texts.noDefault}
          value={value || null}
          onChange={(option) => change(option ?? "")}
        />
      );
    case "date":
      return (
        <TextInput {...shared} type="date" value={value} onChange={(event) => change(event.currentTarget.value)} />
      );
    case "numerical":
    case "number":
      // The text of the number: it has more digits than a JavaScript number holds.
      return (
        <NumberInput
          {...shared}
          decimalScale={6}
          value={value}
          placeholder={texts.noDefault}
          onValueChange={({ value: text }) => change(text)}
        />
      );
    case "multi-line-text":
      return (
        <Textarea
          {...shared}
          autosize
          maxRows={5}
          value={value}
          onChange={(event) => change(event.currentTarget.value)}
          placeholder={texts.noDefault}
        />
      );
    default:
      return (
        <TextInput
          {...shared}
          value={value}
          maxLength={255}
          onChange={(event) => change(event.currentTarget.value)}
          placeholder={texts.noDefault}
        />
      );
  }
}
