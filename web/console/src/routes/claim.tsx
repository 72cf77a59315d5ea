import { createFileRoute } from "@tanstack/react-router";
import { ChoosePassword } from "./-choose-password";
import { tokenSearch } from "./-token";

export const Route = createFileRoute("/claim")({ validateSearch: tokenSearch, component: Claim });

function Claim() {
  return <ChoosePassword kind="claim" token={Route.useSearch().token} />;
}
