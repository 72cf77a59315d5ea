// All pages of those who are signed in.
import { createFileRoute, Outlet, redirect, useMatches } from "@tanstack/react-router";
import { ErrorView } from "~/components/error-view";
import { sessionQuery, useMe } from "~/session/session";
import { Shell } from "~/shell/shell";

export const Route = createFileRoute("/_console")({
  beforeLoad: async ({ context, location }) => {
    const me = await context.queries.ensureQueryData(sessionQuery);
    if (!me) throw redirect({ to: "/sign-in", search: location.pathname === "/" ? {} : { next: location.href } });
    return { me };
  },
  component: Console,
  // The server is away before anything of it is known.
  errorComponent: ({ error, reset }) => <ErrorView error={error} retry={reset} height={560} />,
});

function Console() {
  const me = useMe();
  const communityId = useMatches({
    select: (matches) => matches.map((match) => (match.params as { communityId?: string }).communityId).find(Boolean),
  });
  return (
    <Shell community={me.communities.find((one) => one._id === communityId) ?? null}>
      <Outlet />
    </Shell>
  );
}
