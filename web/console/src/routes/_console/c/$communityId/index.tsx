import { Badge, Paper, SimpleGrid, Skeleton, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { FileStack } from "lucide-react";
import { type AnswerOf, api } from "~/api/client";
import { type Column, DataTable, listed } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { TextLink } from "~/components/link";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { type Format, useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { texts } from "./-overview.texts";

export const Route = createFileRoute("/_console/c/$communityId/")({ component: Overview });

const recentJobs = 5;

function Overview() {
  const community = useCommunity();
  const communityId = community._id;
  const format = useFormat();
  const members = useQuery({
    queryKey: ["members", communityId, "total"],
    queryFn: ({ signal }) =>
      api.get("/v1/communities/{communityId}/users", { path: { communityId }, query: { limit: 1, _id: true }, signal }),
    select: (answer) => answer.meta.total,
  });
  const keys = useQuery({
    queryKey: ["api-keys", communityId, "total"],
    queryFn: ({ signal }) =>
      api.get("/v1/communities/{communityId}/api-keys", { path: { communityId }, query: { limit: 1 }, signal }),
    select: (answer) => answer.meta.total,
  });
  return (
    <Page title={texts.title} lead={community.title}>
      <SimpleGrid cols={{ base: 2, md: 4 }} mb="lg">
        <Figure label={texts.members} value={members.data} failed={members.isError} format={format} />
        <Figure label={texts.keys} value={keys.data} failed={keys.isError} format={format} />
      </SimpleGrid>
      <RecentJobs />
    </Page>
  );
}

function Figure({
  label,
  value,
  failed,
  format,
}: {
  label: string;
  value: number | undefined;
  failed: boolean;
  format: Format;
}) {
  return (
    <Paper p="md">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      {value === undefined && !failed ? (
        <Skeleton height={22} mt={8} mb={4} width={72} />
      ) : (
        <Text fz={24} fw={600} className="numeric">
          {format.integer(value)}
        </Text>
      )}
    </Paper>
  );
}

type Job = AnswerOf<"get", "/v1/users/bulk-update">["data"][number];
const statusColors: Record<string, string> = {
  queued: "gray",
  processing: "blue",
  completed: "teal",
  failed: "red",
  cancelled: "gray",
  reverting: "blue",
  reverted: "gray",
};

function RecentJobs() {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const jobs = useQuery({
    queryKey: ["bulk-jobs", community, "recent"],
    queryFn: ({ signal }) => api.get("/v1/users/bulk-update", { query: { limit: recentJobs }, community, signal }),
    select: (answer) => answer.data,
  });
  const columns: Column<Job>[] = [
    {
      id: "log_name",
      header: texts.name,
      cell: (row) => (
        <TextLink
          to="/c/$communityId/bulk/$jobId"
          params={{ communityId: community, jobId: row._id }}
          fw={500}
          size="sm"
          c="var(--mantine-color-text)"
        >
          {row.log_name || texts.unnamed}
        </TextLink>
      ),
    },
    {
      id: "status",
      header: texts.status,
      cell: (row) => (
        <Badge color={statusColors[row.status] ?? "gray"}>
          {texts.statuses[row.status as keyof typeof texts.statuses] ?? row.status}
        </Badge>
      ),
    },
    { id: "total", header: texts.rows, from: "sm", numeric: true, cell: (row) => format.integer(row.total) },
    { id: "failed", header: texts.failed, from: "sm", numeric: true, cell: (row) => format.integer(row.failed) },
    { id: "createdAt", header: texts.created, from: "sm", cell: (row) => <Moment time={row.createdAt} /> },
  ];
  return (
    <section aria-labelledby="recent-jobs">
      <Title order={2} id="recent-jobs" mb="sm">
        {texts.jobs}
      </Title>
      <Paper style={{ overflow: "hidden" }}>
        <DataTable
          label={texts.jobs}
          columns={columns}
          {...listed(jobs, jobs.data)}
          rowId={(job) => job._id}
          skeletonRows={recentJobs}
          empty={
            <EmptyView icon={FileStack} title={texts.noJobs} height={200}>
              {texts.noJobsText}
            </EmptyView>
          }
        />
      </Paper>
    </section>
  );
}
