import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { ErrorView } from "~/components/error-view";
import { Page } from "~/components/page";
import { useCommunity } from "~/session/community";
import { settingsQuery } from "../-settings";
import { AccessLevels } from "./-access-levels";
import { Doors } from "./-doors";
import { texts } from "./-login.texts";
import { SecureAuth } from "./-secure-auth";
import { SystemKey } from "./-system-key";

export const Route = createFileRoute("/_console/c/$communityId/settings/login/")({ component: LoginManagement });

function LoginManagement() {
  const { _id: communityId } = useCommunity();
  const settings = useQuery(settingsQuery(communityId));
  return (
    <Page title={texts.title} lead={texts.lead} width="form">
      {settings.data ? (
        <>
          <Doors settings={settings.data} />
          <SecureAuth settings={settings.data} />
        </>
      ) : settings.error ? (
        <ErrorView error={settings.error} retry={() => void settings.refetch()} />
      ) : (
        <>
          <Skeleton height={250} radius="lg" mb="lg" />
          <Skeleton height={300} radius="lg" mb="lg" />
        </>
      )}
      <SystemKey />
      <AccessLevels />
    </Page>
  );
}
