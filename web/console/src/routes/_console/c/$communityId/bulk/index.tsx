import { Anchor, Badge, Button, Group, Paper, Progress, Select, Stack, Text, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import { FileStack, Plus, Search } from "lucide-react";
import { api } from "~/api/client";
import { type Column, DataTable, listed, PageBar } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { useSearchText } from "~/components/search-text";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { texts } from "./-bulk.texts";
import { isOpen, type JobSummary, nameOf, stateColors } from "./-jobs";
import { type JobState, type JobType, states, types } from "./-names";

type Filter = { name?: string; state?: JobState; type?: JobType; page?: number };

export const Route = createFileRoute("/_console/c/$communityId/bulk/")({
  validateSearch: (search: Record<string, unknown>): Filter => ({
    name: typeof search.name === "string" && search.name !== "" ? search.name : undefined,
    state: states.find((one) => one === search.state),
    type: types.find((one) => one === search.type),
    page: Number.isInteger(search.page) && (search.page as number) > 1 ? (search.page as number) : undefined,
  }),
  component: BulkJobs,
});

const limit = 25;
/** While a job of the list changes, the list is looked at this often. */
const openMs = 2_000;

function BulkJobs() {
  const { _id: community } = useCommunity();
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const page = search.page ?? 1;
  const filtered = search.name !== undefined || search.state !== undefined || search.type !== undefined;
  const query = { limit, page, name: search.name, status: search.state, type: search.type };
  const jobs = useQuery({
    queryKey: ["bulk-jobs", community, "list", query],
    queryFn: ({ signal }) => api.get("/v1/users/bulk-update", { query, community, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.data.some(isOpen) ? openMs : false),
  });

  const change = (what: Partial<Filter>) =>
    void navigate({ search: (before) => ({ ...before, page: undefined, ...what }), replace: true });
  const [name, setName] = useSearchText(search.name, (text) => change({ name: text }));

  const format = useFormat();
  const columns = jobColumns(community, format);
  const newJob = (
    <Button
      component={Link}
      to="/c/$communityId/bulk/new"
      params={{ communityId: community } as never}
      leftSection={<Plus size={16} />}
    >
      {filtered ? texts.newJob : texts.emptyAction}
    </Button>
  );
  const empty = filtered ? (
    <EmptyView
      icon={Search}
      title={texts.nothingFound}
      action={
        <Button
          variant="default"
          onClick={() => {
            setName("");
            change({ name: undefined, state: undefined, type: undefined });
          }}
        >
          {texts.showAll}
        </Button>
      }
    >
      {texts.nothingFoundText}
    </EmptyView>
  ) : (
    <EmptyView icon={FileStack} title={texts.empty} action={newJob}>
      {texts.emptyText}
    </EmptyView>
  );

  return (
    <Page
      title={texts.title}
      lead={texts.lead}
      actions={
        <Button
          component={Link}
          to="/c/$communityId/bulk/new"
          params={{ communityId: community } as never}
          leftSection={<Plus size={16} aria-hidden />}
        >
          {texts.newJob}
        </Button>
      }
    >
      <Group gap="xs" mb="sm">
        <TextInput
          type="search"
          aria-label={texts.search}
          placeholder={texts.search}
          leftSection={<Search size={15} aria-hidden />}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={200}
          w={{ base: "100%", xs: 260 }}
        />
        <Select
          aria-label={texts.state}
          placeholder={texts.anyState}
          data={states.map((value) => ({ value, label: texts.states[value] }))}
          value={search.state ?? null}
          onChange={(value) => change({ state: (value as JobState) ?? undefined })}
          clearable
          flex={{ base: "1 1 150px", xs: "0 0 auto" }}
          w={{ xs: 170 }}
        />
        <Select
          aria-label={texts.type}
          placeholder={texts.anyType}
          data={types.map((value) => ({ value, label: texts.types[value] }))}
          value={search.type ?? null}
          onChange={(value) => change({ type: (value as JobType) ?? undefined })}
          clearable
          flex={{ base: "1 1 150px", xs: "0 0 auto" }}
          w={{ xs: 170 }}
        />
      </Group>
      <Paper style={{ overflow: "hidden" }}>
        <DataTable
          label={texts.title}
          columns={columns}
          {...listed(jobs, jobs.data?.data)}
          rowId={(job) => job._id}
          empty={empty}
          footer={
            jobs.data && (
              <PageBar
                page={page}
                limit={limit}
                total={jobs.data.pagination.total}
                onPage={(next) =>
                  void navigate({ search: (before) => ({ ...before, page: next > 1 ? next : undefined }) })
                }
              />
            )
          }
        />
      </Paper>
    </Page>
  );
}

function jobColumns(community: string, format: ReturnType<typeof useFormat>): Column<JobSummary>[] {
  return [
    {
      id: "name",
      header: texts.name,
      cell: (job) => (
        <Stack gap={0}>
          <Group gap={8} wrap="nowrap">
            <Anchor
              component={Link}
              to={`/c/${community}/bulk/${job._id}` as never}
              fw={500}
              size="sm"
              truncate
              c="var(--mantine-color-text)"
            >
              {nameOf(job, format)}
            </Anchor>
            {job.dry_run && (
              <Badge color="gray" variant="outline">
                {texts.trial}
              </Badge>
            )}
          </Group>
          <Text size="xs" c="dimmed" truncate>
            {texts.types[job.type as JobType] ?? job.type}
          </Text>
        </Stack>
      ),
    },
    {
      id: "status",
      header: texts.state,
      width: 150,
      cell: (row) => (
        <Badge color={stateColors[row.status] ?? "gray"}>{texts.states[row.status as JobState] ?? row.status}</Badge>
      ),
    },
    {
      id: "total",
      header: texts.rows,
      width: 150,
      from: "sm",
      numeric: true,
      cell: (job) =>
        job.status === "processing" ? (
          <Group gap={8} wrap="nowrap" justify="flex-end">
            <Progress
              value={job.total === 0 ? 100 : (100 * job.processed) / job.total}
              w={64}
              aria-label={texts.progressOf(nameOf(job, format))}
            />
            <span>{format.percent(job.total === 0 ? 1 : Math.floor((100 * job.processed) / job.total) / 100)}</span>
          </Group>
        ) : (
          format.integer(job.total)
        ),
    },
    { id: "success", header: texts.changed, from: "md", numeric: true, cell: (row) => format.integer(row.success) },
    {
      id: "failed",
      header: texts.refused,
      from: "md",
      numeric: true,
      cell: (row) => (
        <Text span inherit c={row.failed > 0 ? "var(--mantine-color-error)" : "dimmed"}>
          {format.integer(row.failed)}
        </Text>
      ),
    },
    { id: "createdAt", header: texts.uploaded, width: 140, from: "sm", cell: (row) => <Moment time={row.createdAt} /> },
  ];
}
