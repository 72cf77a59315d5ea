import { createFileRoute } from "@tanstack/react-router";
import { ChoosePassword, tokenSearch } from "./-choose-password";

export const Route = createFileRoute("/reset-password")({ validateSearch: tokenSearch, component: ResetPassword });

function ResetPassword() {
  return <ChoosePassword kind="reset" token={Route.useSearch().token} />;
}
