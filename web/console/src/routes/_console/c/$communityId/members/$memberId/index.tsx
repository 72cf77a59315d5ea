import { Anchor, Box, Button, Group, Skeleton, Stack, Tabs } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { ArrowLeft, UserRoundX } from "lucide-react";
import { useState } from "react";
import { ApiError } from "~/api/errors";
import { EmptyView, ErrorView } from "~/components/error-view";
import pageClasses from "~/components/page.module.css";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import type { UserField } from "../../-catalogue";
import { memberQuery } from "../-list/members-data";
import { Balances } from "../-member/balances";
import { Fields } from "../-member/fields";
import { MemberHeader, nameOf } from "../-member/header";
import { FieldHistory, History } from "../-member/history";
import { Ledger } from "../-member/ledger";
import { Moderation } from "../-member/moderation";
import { texts } from "../-member.texts";

const tabs = ["profile", "ledger", "history", "moderation"] as const;
type Tab = (typeof tabs)[number];

export const Route = createFileRoute("/_console/c/$communityId/members/$memberId/")({
  validateSearch: (search): { tab?: Tab; currency?: string } => ({
    tab: tabs.includes(search.tab as Tab) && search.tab !== "profile" ? (search.tab as Tab) : undefined,
    currency: typeof search.currency === "string" ? search.currency : undefined,
  }),
  component: MemberPage,
});

function MemberPage() {
  const community = useCommunity();
  const { memberId } = Route.useParams();
  const { tab = "profile", currency } = Route.useSearch();
  const navigate = Route.useNavigate();
  const member = useQuery(memberQuery(community._id, memberId));
  const [field, setField] = useState<UserField | null>(null);
  useDocumentTitle([member.data ? nameOf(member.data) : texts.member, community.title, common.product].join(" · "));
  const gone = member.error instanceof ApiError && member.error.status === 404;
  return (
    <Box className={pageClasses.page}>
      <Group mb="sm">
        <Anchor
          size="sm"
          c="dimmed"
          renderRoot={(props) => (
            <Link {...props} to="/c/$communityId/members" params={{ communityId: community._id }} />
          )}
        >
          <Group gap={6} component="span">
            <ArrowLeft size={15} aria-hidden />
            {texts.members}
          </Group>
        </Anchor>
      </Group>
      {gone ? (
        <EmptyView
          icon={UserRoundX}
          title={texts.notFound}
          height={420}
          action={
            <Button
              variant="default"
              renderRoot={(props) => (
                <Link {...props} to="/c/$communityId/members" params={{ communityId: community._id }} />
              )}
            >
              {texts.toList}
            </Button>
          }
        >
          {texts.notFoundText}
        </EmptyView>
      ) : member.error && !member.data ? (
        <ErrorView error={member.error} retry={() => void member.refetch()} height={420} />
      ) : !member.data ? (
        <Stack gap="lg" role="status" aria-label={common.loading}>
          <Skeleton height={212} radius="lg" />
          <Skeleton height={36} width={280} />
          <Skeleton height={360} radius="lg" />
        </Stack>
      ) : (
        <>
          <MemberHeader member={member.data} />
          <Tabs
            value={tab}
            onChange={(value) =>
              void navigate({ search: { tab: value === "profile" ? undefined : (value as Tab) }, replace: true })
            }
            keepMounted={false}
          >
            <Tabs.List mb="lg" aria-label={texts.tabs}>
              {tabs.map((one) => (
                <Tabs.Tab key={one} value={one}>
                  {texts[one]}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value="profile">
              <Stack gap="xl">
                <Balances member={member.data} />
                <Fields member={member.data} onHistory={setField} />
              </Stack>
            </Tabs.Panel>
            <Tabs.Panel value="ledger">
              <Ledger
                member={member.data}
                currency={currency ?? null}
                onCurrency={(one) => void navigate({ search: { tab, currency: one ?? undefined }, replace: true })}
              />
            </Tabs.Panel>
            <Tabs.Panel value="history">
              <History memberId={memberId} />
            </Tabs.Panel>
            <Tabs.Panel value="moderation">
              <Moderation member={member.data} />
            </Tabs.Panel>
          </Tabs>
          <FieldHistory memberId={memberId} field={field} onClose={() => setField(null)} />
        </>
      )}
    </Box>
  );
}
