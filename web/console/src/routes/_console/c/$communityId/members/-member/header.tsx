import {
  ActionIcon,
  Box,
  Button,
  Group,
  Menu,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Title,
  Tooltip,
  UnstyledButton,
  VisuallyHidden,
} from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Camera, EllipsisVertical, Pencil, Trash2 } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { request } from "~/api/client";
import { CopyText } from "~/components/copy-text";
import { Moment } from "~/components/moment";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { hiddenText, MemberAvatar, StatusBadge } from "../-list/cells";
import { byId, type Member } from "../-list/members-data";
import { texts } from "../-member.texts";
import { DeleteMember } from "./delete-member";
import { EditProfile } from "./edit-profile";
import classes from "./member.module.css";
import { MemberRoles, MemberTags } from "./roles";

const avatarBytesMax = 5 * 1024 * 1024; // the API's own bound

export const nameOf = (member: Member) =>
  member.displayName ||
  [member.firstName, member.lastName].filter((one) => one && one !== hiddenText).join(" ") ||
  member.username;

export function MemberHeader({ member }: { member: Member }) {
  const format = useFormat();
  const [dialog, setDialog] = useState<"edit" | "delete" | null>(null);
  const name = nameOf(member);
  return (
    <Paper p={{ base: "md", sm: "lg" }} mb="lg">
      <div className={classes.header}>
        <AvatarButton member={member} />
        <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
          <Box miw={0}>
            <Group gap="sm">
              <Title order={1} className={classes.name}>
                {name}
              </Title>
              <StatusBadge status={member.status} />
            </Group>
            <Text c="dimmed" size="sm" className={classes.name}>
              @{member.username}
              {member.email && member.email !== hiddenText && <> · {member.email}</>}
            </Text>
            {member.status === "suspended" && (
              <Text size="sm" fw={500} mt={4}>
                {member.suspendedUntil
                  ? texts.suspendedUntil(format.dateTime(member.suspendedUntil))
                  : texts.suspendedOpen}
              </Text>
            )}
          </Box>
          <Group gap="xs" wrap="nowrap">
            <Button variant="default" visibleFrom="sm" onClick={() => setDialog("edit")}>
              {texts.edit}
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <ActionIcon variant="default" size={36} aria-label={texts.actions(name)}>
                  <EllipsisVertical size={16} aria-hidden />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item leftSection={<Pencil size={15} aria-hidden />} onClick={() => setDialog("edit")}>
                  {texts.edit}
                </Menu.Item>
                <Menu.Item
                  color="red"
                  leftSection={<Trash2 size={15} aria-hidden />}
                  onClick={() => setDialog("delete")}
                >
                  {texts.delete}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        </Group>
        <div className={classes.particulars}>
          <Particulars member={member} />
        </div>
      </div>
      {dialog === "edit" && <EditProfile member={member} onClose={() => setDialog(null)} />}
      <DeleteMember member={member} opened={dialog === "delete"} onClose={() => setDialog(null)} />
    </Paper>
  );
}

function Particulars({ member }: { member: Member }) {
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }} spacing="md" verticalSpacing="sm">
        <Fact label={texts.id}>
          <CopyText text={member.userId} />
        </Fact>
        <Fact label={texts.longId}>
          <CopyText text={`…${member._id.slice(-6)}`} value={member._id} />
        </Fact>
        <Fact label={texts.joined}>
          <Moment time={member.joinedAt} as="date" />
        </Fact>
        <Fact label={texts.lastOnline}>{member.lastOnline ? <Moment time={member.lastOnline} /> : texts.never}</Fact>
        <Fact label={texts.country}>{member.country ?? common.none}</Fact>
        <Fact label={texts.language}>{member.language ?? common.none}</Fact>
        <Fact label={texts.phone}>{member.phone ?? common.none}</Fact>
        <Fact label={texts.referredBy}>{member.referredBy ?? common.none}</Fact>
      </SimpleGrid>
      <Group gap="xl" align="flex-start" style={{ rowGap: "var(--mantine-spacing-sm)" }}>
        <Fact label={texts.roles}>
          <MemberRoles member={member} />
        </Fact>
        <Fact label={texts.tags}>
          <MemberTags member={member} />
        </Fact>
      </Group>
    </Stack>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Box miw={0}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Box fz="sm">{children}</Box>
    </Box>
  );
}

function AvatarButton({ member }: { member: Member }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const upload = useMutation({
    mutationFn: (file: File) => {
      const form = new FormData();
      form.append("user", byId(member.userId));
      form.append("avatar", file);
      return request("post", "/v1/users/avatar", { community, body: form });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["members", community] });
      toast.done(texts.avatarDone);
    },
    onError: (error) => toast.failed(error),
  });
  return (
    <>
      <Tooltip label={texts.changeAvatar}>
        <UnstyledButton
          className={classes.avatar}
          aria-busy={upload.isPending}
          data-busy={upload.isPending || undefined}
          onClick={() => input.current?.click()}
        >
          <MemberAvatar name={nameOf(member)} src={member.avatar ?? null} size={72} />
          <span className={classes.camera}>
            <Camera size={16} aria-hidden />
          </span>
          <VisuallyHidden>{texts.changeAvatar}</VisuallyHidden>
        </UnstyledButton>
      </Tooltip>
      <input
        ref={input}
        type="file"
        accept="image/png,image/jpeg,image/webp,image/gif"
        hidden
        aria-label={texts.avatarHint}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          // The same file may be chosen again.
          event.currentTarget.value = "";
          if (!file) return;
          if (file.size > avatarBytesMax) toast.failed(null, texts.avatarTooLarge);
          else upload.mutate(file);
        }}
      />
    </>
  );
}
