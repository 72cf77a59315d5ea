import { ActionIcon, Badge, Button, Group, Menu, Text, Tooltip } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { api } from "~/api/client";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { everybody, type Role, rolesQuery } from "../../-catalogue";
import { type Member, memberQuery } from "../-list/members-data";
import { texts } from "../-member.texts";

/** The roles that the member has; each can be taken away and others be given, one by one and at once. */
export function MemberRoles({ member }: { member: Member }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const roles = useQuery(rolesQuery(community));
  const one = memberQuery(community, member.userId).queryKey;
  const move = useMutation({
    mutationFn: ({ role, give }: { role: Role; give: boolean }) =>
      api.post(give ? "/roles/{id}/add" : "/roles/{id}/remove", {
        path: { id: role._id },
        community,
        body: { userId: member.userId },
      }),
    onSuccess: async (_, { role, give }) => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: one }),
        queries.invalidateQueries({ queryKey: ["members", community, "table"] }),
        queries.invalidateQueries({ queryKey: ["roles", community] }),
      ]);
      toast.done(give ? texts.roleGiven(role.title) : texts.roleTaken(role.title), () =>
        move.mutate({ role, give: !give }),
      );
    },
    onError: (error) => toast.failed(error),
  });
  const given = roles.data?.filter((role) => role.title !== everybody) ?? [];
  const byName = new Map(given.map((role) => [role.title, role]));
  const others = given.filter((role) => !member.roles.includes(role.title));
  return (
    <Group gap={6}>
      {member.roles.length === 0 && (
        <Text size="sm" c="dimmed">
          {texts.noRoles}
        </Text>
      )}
      {member.roles.map((name) => {
        const role = byName.get(name);
        return (
          <Badge
            key={name}
            size="lg"
            pr={role ? 3 : undefined}
            rightSection={
              role && (
                <ActionIcon
                  size={18}
                  variant="transparent"
                  color="inherit"
                  aria-label={texts.takeRole(name)}
                  disabled={move.isPending}
                  onClick={() => move.mutate({ role, give: false })}
                >
                  <X size={13} aria-hidden />
                </ActionIcon>
              )
            }
          >
            {name}
          </Badge>
        );
      })}
      {given.length > 0 && (
        <Menu position="bottom-start" width={220}>
          <Menu.Target>
            <Tooltip label={others.length > 0 ? texts.addRole : texts.allRoles}>
              <Button
                size="compact-sm"
                variant="subtle"
                leftSection={<Plus size={14} aria-hidden />}
                disabled={others.length === 0}
                loading={move.isPending}
              >
                {texts.addRole}
              </Button>
            </Tooltip>
          </Menu.Target>
          <Menu.Dropdown mah={320} style={{ overflowY: "auto" }}>
            {others.map((role) => (
              <Menu.Item key={role._id} onClick={() => move.mutate({ role, give: true })}>
                {role.title}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  );
}

export function MemberTags({ member }: { member: Member }) {
  return (
    <Group gap={6}>
      {member.tags.length === 0 && (
        <Text size="sm" c="dimmed">
          {texts.noTags}
        </Text>
      )}
      {member.tags.map((tag) => (
        <Badge key={tag} size="lg" color="gray">
          {tag}
        </Badge>
      ))}
    </Group>
  );
}
