import { createFileRoute } from "@tanstack/react-router";
import { ChoosePassword } from "./-choose-password";
import { tokenSearch } from "./-token";

export const Route = createFileRoute("/reset-password")({ validateSearch: tokenSearch, component: ResetPassword });

function ResetPassword() {
  return <ChoosePassword kind="reset" token={Route.useSearch().token} />;
}
