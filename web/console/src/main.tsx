import "@fontsource-variable/inter/index.css";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "~/theme/global.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { type AnyRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { setOnSessionOver } from "~/api/client";
import { makeQueryClient } from "~/api/query";
import { LoadingPage } from "~/components/loading";
import { forgetEverything, onSignOutElsewhere } from "~/session/session";
import { theme } from "~/theme/theme";
import { routeTree } from "./routes.gen";

// The page's policy admits the style elements that carry this answer's nonce: those of Mantine, and the one of its dialogs' scroll
// lock, which asks get-nonce.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
setNonce(nonce);

const queries = makeQueryClient();
const router = createRouter({
  routeTree,
  context: { queries },
  defaultPreload: "intent",
  defaultPendingComponent: LoadingPage,
  defaultPendingMs: 150,
  scrollRestoration: true,
});
declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

const leave = () => {
  forgetEverything(queries);
  // The router sends to the sign-in and brings back from there.
  void router.invalidate();
};
setOnSessionOver(leave);
onSignOutElsewhere(leave);

// The code of the page is on its way while the server is still asked who is there. What fails here is told when it is shown.
for (const { routeId } of router.matchRoutes(router.latestLocation)) {
  const route = router.routesById[routeId as keyof typeof router.routesById] as AnyRoute;
  router.loadRouteChunk(route)?.catch(() => {});
}

const density = localStorage.getItem("fealty-density");
if (density?.includes("compact")) document.documentElement.dataset.density = "compact";

const root = document.getElementById("root");
if (!root) throw new Error("The page has no root.");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" limit={4} />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
