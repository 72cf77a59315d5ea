// The pages of one community.
import { createFileRoute, notFound, Outlet } from "@tanstack/react-router";
import { CommunityProvider } from "~/session/community";
import { runs, useMe } from "~/session/session";

export const Route = createFileRoute("/_console/c/$communityId")({
  beforeLoad: ({ context, params }) => {
    const community = context.me.communities.find((one) => one._id === params.communityId);
    if (!community || !runs(community)) throw notFound();
  },
  component: CommunityPages,
});

function CommunityPages() {
  const { communityId } = Route.useParams();
  const community = useMe().communities.find((one) => one._id === communityId);
  // Gone while the page was open: the next step answers for itself.
  if (!community) return null;
  return (
    <CommunityProvider community={community} key={communityId}>
      <Outlet />
    </CommunityProvider>
  );
}
