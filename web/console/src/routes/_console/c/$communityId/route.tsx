// The pages of one community.
import { Button } from "@mantine/core";
import { createFileRoute, Link, notFound, Outlet } from "@tanstack/react-router";
import { ShieldAlert } from "lucide-react";
import { EmptyView } from "~/components/error-view";
import { CommunityProvider } from "~/session/community";
import { runs, useMe } from "~/session/session";
import { texts } from "./-community.texts";

export const Route = createFileRoute("/_console/c/$communityId")({
  beforeLoad: ({ context, params }) => {
    const community = context.me.communities.find((one) => one._id === params.communityId);
    if (!community || !runs(community)) throw notFound();
  },
  component: CommunityPages,
});

function CommunityPages() {
  const { communityId } = Route.useParams();
  const me = useMe();
  const community = me.communities.find((one) => one._id === communityId);
  // Gone while the page was open: the next step answers for itself.
  if (!community) return null;
  const locked = community.secondFactorRequired && !me.secondFactor;
  return (
    <CommunityProvider community={community} key={communityId}>
      {locked ? <SecondFactorNeeded /> : <Outlet />}
    </CommunityProvider>
  );
}

/** The server refuses all that owners and administrators may do here until they have one. */
function SecondFactorNeeded() {
  return (
    <EmptyView
      icon={ShieldAlert}
      title={texts.factorNeeded}
      height={480}
      action={
        <Button component={Link} to="/me/security">
          {texts.factorSetUp}
        </Button>
      }
    >
      {texts.factorNeededText}
    </EmptyView>
  );
}
