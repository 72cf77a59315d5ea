import { createFileRoute } from "@tanstack/react-router";
import { ChoosePassword, tokenSearch } from "./-choose-password";

export const Route = createFileRoute("/claim")({ validateSearch: tokenSearch, component: Claim });

function Claim() {
  return <ChoosePassword kind="claim" token={Route.useSearch().token} />;
}
