import { Button, Code, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { ErrorView } from "~/components/error-view";
import { Moment } from "~/components/moment";
import { Section } from "~/components/section";
import { ShownOnce } from "~/components/shown-once";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { Rotate } from "../api-keys/-rotate";
import { texts } from "./-login.texts";

export function SystemKey() {
  const community = useCommunity();
  const communityId = community._id;
  const owner = community.role === "COMMUNITY_OWNER";
  const queries = useQueryClient();
  const [rotating, setRotating] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const [making, setMaking] = useState(false);
  const key = useQuery({
    queryKey: ["system-key", communityId],
    queryFn: async ({ signal }) => {
      try {
        const path = "/v1/communities/{communityId}/system-key";
        return (await api.get(path, { path: { communityId }, signal })).data;
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
    enabled: owner,
  });
  const rotate = async (graceSeconds: number) => {
    const { data } = await api.post("/v1/communities/{communityId}/system-key/rotate", {
      path: { communityId },
      body: { graceSeconds },
    });
    void queries.invalidateQueries({ queryKey: ["system-key", communityId] });
    return data.key;
  };
  const make = () => {
    setMaking(true);
    void rotate(0)
      .then(setMade)
      .catch(toast.failed)
      .finally(() => setMaking(false));
  };
  return (
    <Section
      title={texts.systemKey}
      lead={texts.systemKeyLead}
      actions={
        key.data ? (
          <Button variant="default" onClick={() => setRotating(true)}>
            {texts.rotate}
          </Button>
        ) : (
          key.data === null && (
            <Button onClick={make} loading={making}>
              {texts.makeKey}
            </Button>
          )
        )
      }
    >
      {!owner ? (
        <Text size="sm" c="dimmed">
          {texts.ownerOnly}
        </Text>
      ) : key.error ? (
        <ErrorView error={key.error} retry={() => void key.refetch()} height={120} />
      ) : key.data === undefined ? (
        <Skeleton height={22} width={320} />
      ) : key.data === null ? (
        <Text size="sm" c="dimmed">
          {texts.noKey}
        </Text>
      ) : (
        <Group gap="lg">
          <Code>{key.data.key}</Code>
          <Text size="sm" c="dimmed">
            {texts.since} <Moment time={key.data.createdAt} as="date" />
          </Text>
          <Text size="sm" c="dimmed">
            {texts.lastUsed} {key.data.lastUsedAt ? <Moment time={key.data.lastUsedAt} /> : texts.neverUsed}
          </Text>
        </Group>
      )}
      {rotating && (
        <Rotate
          opened
          name={texts.systemKey}
          onClose={() => setRotating(false)}
          rotate={rotate}
          onMade={(text) => {
            setRotating(false);
            setMade(text);
          }}
        />
      )}
      <ShownOnce secret={made} title={texts.made} label={texts.keyLabel} onDone={() => setMade(null)}>
        <Stack gap={0}>{texts.keyUse}</Stack>
      </ShownOnce>
    </Section>
  );
}
