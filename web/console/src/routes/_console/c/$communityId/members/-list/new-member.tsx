import {
  Button,
  Checkbox,
  Collapse,
  NumberInput,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { ApiError, type Problem } from "~/api/errors";
import { problemsToForm } from "~/components/form-errors";
import { FormDialog } from "~/components/form-modal";
import type { FormAlert } from "~/components/form-mutation";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { fieldsQuery, type UserField } from "../../-catalogue";
import { FieldInput, readFieldText } from "../-member/field-input";
import { texts } from "../-members.texts";
import { membersChanged } from "./members-data";

const noAlert: FormAlert = { error: null };
const required = (label: string) => isNotEmpty(common.isNeeded(label));

export function NewMember({ onClose }: { onClose: () => void }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const fields = useQuery(fieldsQuery(community));
  const custom = fields.data?.filter((field) => field.isCustom) ?? [];
  const [opened, setOpened] = useState(false);
  const [values, setValues] = useState<Record<string, string>>({});
  const [valueProblems, setValueProblems] = useState<Record<string, string>>({});
  const [alert, setAlert] = useState<FormAlert>(noAlert);
  // The same person is made once, however often the button is pressed; another content is another request.
  const [attempt, setAttempt] = useState({ content: "", key: "" });
  const form = useForm({
    initialValues: {
      firstname: "",
      lastname: "",
      displayname: "",
      username: "",
      email: "",
      accessLevel: 0,
      joinServer: true,
      sendEmail: false,
    },
    validate: {
      firstname: required(texts.firstName),
      lastname: required(texts.lastName),
      username: required(texts.username),
      email: required(texts.email),
    },
  });
  const create = useMutation({
    mutationFn: () => {
      const form_ = form.getValues();
      const given = custom.filter((field) => (values[field._id] ?? "") !== "");
      const body = {
        ...form_,
        displayname: form_.displayname.trim() || `${form_.firstname} ${form_.lastname}`.trim().slice(0, 50),
        customFields: given.map((field) => ({
          fieldIdorName: field._id,
          value: readFieldText(field, values[field._id]!),
        })),
      };
      const content = JSON.stringify(body);
      const key = content === attempt.content ? attempt.key : crypto.randomUUID();
      setAttempt({ content, key });
      return api.post("/v1/users", { community, idempotencyKey: key, body });
    },
    onSuccess: async ({ data }) => {
      await membersChanged(queries, community);
      const name = form.getValues().displayname || data.username;
      toast.done(
        [
          data.status === "active" ? texts.created(name) : texts.invited(name),
          data.warnings.includes("username_kept") && texts.usernameKept,
        ]
          .filter(Boolean)
          .join(" "),
      );
      onClose();
      if (data.status === "active")
        void navigate({
          to: "/c/$communityId/members/$memberId",
          params: { communityId: community, memberId: data.userId },
          ignoreBlocker: true,
        });
    },
    onError: (error) => {
      const rest = problemsToForm(form, error);
      const { atFields, others: left } = customProblems(rest, custom, values);
      setValueProblems(atFields);
      if (Object.keys(atFields).length > 0) setOpened(true);
      // Conflicts name their part by their code alone.
      const known = error instanceof ApiError ? error : null;
      const taken = { email_taken: "email", username_taken: "username" }[known?.code ?? ""];
      if (taken) form.setFieldError(taken, error.message);
      const placed = left.length === 0 && (taken !== undefined || (known?.problems.length ?? 0) > 0);
      setAlert({ error: placed ? null : error, problems: left });
    },
  });
  return (
    <FormDialog
      title={texts.newTitle}
      size="lg"
      onClose={onClose}
      onSubmit={form.onSubmit(() => {
        setValueProblems({});
        setAlert(noAlert);
        create.mutate();
      })}
      dirty={form.isDirty() || Object.values(values).some((value) => value !== "")}
      pending={create.isPending}
      alert={alert}
      action={texts.create}
    >
      <Text size="sm" c="dimmed">
        {texts.newLead}
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing="sm">
        <TextInput
          label={texts.firstName}
          withAsterisk
          maxLength={50}
          data-autofocus
          {...form.getInputProps("firstname")}
        />
        <TextInput label={texts.lastName} withAsterisk maxLength={50} {...form.getInputProps("lastname")} />
        <TextInput
          label={texts.displayName}
          placeholder={`${form.values.firstname} ${form.values.lastname}`.trim()}
          maxLength={50}
          {...form.getInputProps("displayname")}
        />
        <TextInput
          label={texts.username}
          withAsterisk
          maxLength={50}
          autoCapitalize="none"
          spellCheck={false}
          title={texts.usernameHint}
          {...form.getInputProps("username")}
        />
        <TextInput
          label={texts.email}
          withAsterisk
          type="email"
          maxLength={320}
          autoComplete="off"
          {...form.getInputProps("email")}
        />
        <NumberInput
          label={texts.accessLevel}
          min={0}
          allowDecimal={false}
          allowNegative={false}
          title={texts.accessLevelHint}
          {...form.getInputProps("accessLevel")}
        />
      </SimpleGrid>
      <Stack gap={6}>
        <Text size="sm" fw={500} id="new-member-joining">
          {texts.joining}
        </Text>
        <SegmentedControl
          aria-labelledby="new-member-joining"
          value={form.values.joinServer ? "now" : "invited"}
          onChange={(value) => form.setFieldValue("joinServer", value === "now")}
          data={[
            { value: "now", label: texts.joinNow },
            { value: "invited", label: texts.joinInvited },
          ]}
        />
        <Checkbox mt={4} label={texts.sendEmail} {...form.getInputProps("sendEmail", { type: "checkbox" })} />
      </Stack>
      {custom.length > 0 && (
        <div>
          <Button
            variant="subtle"
            color="gray"
            px={4}
            leftSection={opened ? <ChevronDown size={15} aria-hidden /> : <ChevronRight size={15} aria-hidden />}
            onClick={() => setOpened((open) => !open)}
            aria-expanded={opened}
          >
            {texts.customFields}
          </Button>
          <Collapse expanded={opened}>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing="sm" mt="xs">
              {custom.map((field) => (
                <FieldInput
                  key={field._id}
                  field={field}
                  label={field.name}
                  value={values[field._id] ?? ""}
                  onChange={(value) => setValues((old) => ({ ...old, [field._id]: value }))}
                  error={valueProblems[field._id]}
                />
              ))}
            </SimpleGrid>
          </Collapse>
        </div>
      )}
    </FormDialog>
  );
}

/** "/customFields/1/value" is the second of the fields that were sent. */
function customProblems(problems: Problem[], custom: UserField[], values: Record<string, string>) {
  const sent = custom.filter((field) => (values[field._id] ?? "") !== "");
  const atFields: Record<string, string> = {};
  const others: Problem[] = [];
  for (const problem of problems) {
    const place = /^\/customFields\/(\d+)/.exec(problem.field)?.[1];
    const field = place === undefined ? undefined : sent[Number(place)];
    if (field) atFields[field._id] = problem.message;
    else others.push(problem);
  }
  return { atFields, others };
}
