// The roles and tags that a member has. Each can be taken away and others be given, one by one and at once: what was done is shown
// before the server has answered, and taken back when it refuses.
import { ActionIcon, Badge, Button, Group, Menu, ScrollArea, Text, TextInput, Tooltip } from "@mantine/core";
import { type QueryKey, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { everybody, rolesQuery, tagsQuery } from "../../-catalogue";
import { type Member, memberQuery, tableKey } from "../-list/members-data";
import { texts } from "../-member.texts";

type Thing = { id: string; name: string };
type Words = (typeof texts)["holding"]["roles" | "tags"];

/** From so many on there is a field to find one. */
const findFrom = 10;

export function MemberRoles({ member }: { member: Member }) {
  const { _id: community } = useCommunity();
  const roles = useQuery(rolesQuery(community));
  return (
    <Held
      member={member}
      what="roles"
      words={texts.holding.roles}
      all={roles.data?.filter((role) => role.title !== everybody).map((role) => ({ id: role._id, name: role.title }))}
      // It says how many have each.
      alsoChanged={["roles", community]}
      send={({ id }, give) =>
        api.post(give ? "/roles/{id}/add" : "/roles/{id}/remove", {
          path: { id },
          community,
          body: { userId: member.userId },
        })
      }
    />
  );
}

export function MemberTags({ member }: { member: Member }) {
  const { _id: communityId } = useCommunity();
  const tags = useQuery(tagsQuery(communityId));
  return (
    <Held
      member={member}
      what="tags"
      words={texts.holding.tags}
      color="gray"
      all={tags.data?.map((tag) => ({ id: tag._id, name: tag.name }))}
      alsoChanged={["tags", communityId]}
      send={({ id: tagId }, give) =>
        api.post(
          give ? "/v1/communities/{communityId}/tags/{tagId}/add" : "/v1/communities/{communityId}/tags/{tagId}/remove",
          { path: { communityId, tagId }, body: { userId: member.userId } },
        )
      }
    />
  );
}

function Held({
  member,
  what,
  words,
  color,
  all = [],
  alsoChanged,
  send,
}: {
  member: Member;
  what: "roles" | "tags";
  words: Words;
  color?: string;
  /** All that there are. */
  all?: Thing[];
  alsoChanged: QueryKey;
  send: (thing: Thing, give: boolean) => Promise<unknown>;
}) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const one = memberQuery(community, member.userId).queryKey;
  const mutationKey = [what, community, member.userId];
  // Others may be changed at the same time: only this name is put in or taken out.
  const show = (name: string, give: boolean) =>
    queries.setQueryData(
      one,
      (old) => old && { ...old, [what]: [...old[what].filter((held) => held !== name), ...(give ? [name] : [])] },
    );
  const move = useMutation({
    mutationKey,
    mutationFn: ({ thing, give }: { thing: Thing; give: boolean }) => send(thing, give),
    onMutate: async ({ thing, give }) => {
      await queries.cancelQueries({ queryKey: one });
      show(thing.name, give);
    },
    onSuccess: (_, { thing, give }) =>
      toast.done(give ? words.given(thing.name) : words.taken(thing.name), () => move.mutate({ thing, give: !give })),
    onError: (error, { thing, give }) => {
      show(thing.name, !give);
      toast.failed(error);
    },
    onSettled: async () => {
      // The last one of several reads how it is now.
      if (queries.isMutating({ mutationKey }) > 1) return;
      await Promise.all([
        queries.invalidateQueries({ queryKey: one }),
        queries.invalidateQueries({ queryKey: tableKey(community) }),
        queries.invalidateQueries({ queryKey: alsoChanged }),
      ]);
    },
  });
  const [wanted, setWanted] = useState("");
  const held = member[what];
  const others = all.filter((thing) => !held.includes(thing.name));
  const found = others.filter((thing) => thing.name.toLowerCase().includes(wanted.trim().toLowerCase()));
  return (
    <Group gap={6}>
      {held.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.none}
        </Text>
      )}
      {held.map((name) => {
        const thing = all.find((known) => known.name === name);
        return (
          <Badge
            key={name}
            size="lg"
            color={color}
            pr={thing ? 3 : undefined}
            rightSection={
              thing && (
                <ActionIcon
                  size={18}
                  variant="transparent"
                  c="inherit"
                  aria-label={words.take(name)}
                  onClick={() => move.mutate({ thing, give: false })}
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
      {all.length > 0 && (
        <Menu position="bottom-start" width={220} onClose={() => setWanted("")}>
          <Menu.Target>
            <Tooltip label={others.length > 0 ? words.add : words.all}>
              <Button
                size="compact-sm"
                variant="subtle"
                leftSection={<Plus size={14} aria-hidden />}
                disabled={others.length === 0}
              >
                {words.add}
              </Button>
            </Tooltip>
          </Menu.Target>
          <Menu.Dropdown>
            {others.length >= findFrom && (
              <TextInput
                size="xs"
                mb={4}
                aria-label={words.find}
                placeholder={words.find}
                value={wanted}
                onChange={(event) => setWanted(event.currentTarget.value)}
                data-autofocus
              />
            )}
            <ScrollArea.Autosize mah={280} type="auto">
              {found.map((thing) => (
                <Menu.Item key={thing.id} onClick={() => move.mutate({ thing, give: true })}>
                  {thing.name}
                </Menu.Item>
              ))}
              {found.length === 0 && (
                <Text size="sm" c="dimmed" px="sm" py={6}>
                  {words.notFound}
                </Text>
              )}
            </ScrollArea.Autosize>
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  );
}
