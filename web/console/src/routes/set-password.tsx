import { createFileRoute } from "@tanstack/react-router";
import { ChoosePassword } from "./-choose-password";
import { tokenSearch } from "./-token";

export const Route = createFileRoute("/set-password")({ validateSearch: tokenSearch, component: SetPassword });

function SetPassword() {
  return <ChoosePassword kind="set" token={Route.useSearch().token} />;
}
