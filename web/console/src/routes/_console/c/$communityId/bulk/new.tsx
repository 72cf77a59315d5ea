import { Anchor, Box, Button, Collapse, Group, List, Paper, Progress, Radio, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { ChevronDown, Download } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { Confirm } from "~/components/confirm";
import { ErrorAlert } from "~/components/error-view";
import { Page } from "~/components/page";
import { useUnsaved } from "~/components/unsaved";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import classes from "./-bulk.module.css";
import { texts } from "./-bulk.texts";
import {
  catalogueOf,
  checkHeader,
  type Kind,
  type Preview,
  type Refusal,
  readPreview,
  templateHeader,
  withHeader,
} from "./-csv";
import { FileDrop } from "./-file-drop";
import { downloadUrl } from "./-jobs";
import { keepFile } from "./-kept-files";
import { defaultOptions, Options, optionsOf } from "./-options";
import { PreviewPanel, renamedHeader } from "./-preview";
import { newKey, type UploadProgress, upload } from "./-upload";

const kinds = ["update", "premium", "import"] as const satisfies Kind[];

export const Route = createFileRoute("/_console/c/$communityId/bulk/new")({
  validateSearch: (search: Record<string, unknown>): { kind?: Kind } => ({
    kind: kinds.find((kind) => kind === search.kind),
  }),
  component: NewJob,
});

const catalogueStaleMs = 60_000;

const templateQuery = (community: string, name: Kind) => ({
  queryKey: ["bulk-templates", community, name],
  staleTime: catalogueStaleMs,
  queryFn: async ({ signal }: { signal: AbortSignal }) => {
    const response = await fetch(downloadUrl(community, `templates/${name}`), { signal, credentials: "same-origin" });
    if (!response.ok) throw new ApiError(response.statusText, response.status, "unexpected");
    return templateHeader(await response.text());
  },
});

/** The columns that files of a kind can have, from the templates; undefined while they are loaded or when they cannot be. */
function useCatalogue(community: string, kind: Kind | undefined) {
  const update = useQuery(templateQuery(community, "update"));
  const premium = useQuery(templateQuery(community, "premium"));
  const imported = useQuery(templateQuery(community, "import"));
  const fields = useQuery({
    queryKey: ["user-fields", community, "custom"],
    staleTime: catalogueStaleMs,
    queryFn: ({ signal }) =>
      api.get("/v1/communities/{communityId}/user-fields", {
        path: { communityId: community },
        query: { type: "custom", limit: 100 },
        signal,
      }),
  });
  const failed = update.isError || premium.isError || imported.isError;
  const catalogue = useMemo(() => {
    if (!kind || !update.data || !premium.data || !imported.data) return undefined;
    // Suggestions alone are worse without the keys of the fields.
    const keys = new Map((fields.data?.data ?? []).map((field) => [field.field.toLowerCase(), field.name] as const));
    return catalogueOf(kind, { update: update.data, premium: premium.data, import: imported.data }, keys);
  }, [kind, update.data, premium.data, imported.data, fields.data]);
  return { failed, catalogue };
}

type Sending = { progress: UploadProgress; stop: AbortController };

function NewJob() {
  const { _id: community } = useCommunity();
  const { kind } = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const queries = useQueryClient();
  const format = useFormat();
  const { failed, catalogue } = useCatalogue(community, kind);

  const [file, setFile] = useState<File | null>(null);
  const [preview, setPreview] = useState<Preview | Refusal | "unreadable" | null>(null);
  // By the column's place: the name that it gets in the upload.
  const [names, setNames] = useState<Record<number, string>>({});
  const [options, setOptions] = useState(defaultOptions);
  const [sending, setSending] = useState<Sending | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [asked, ask] = useDisclosure(false);
  const unsaved = useUnsaved(file !== null);

  // The delimiter depends on what names are known, so the file is looked at again when that changes.
  useEffect(() => {
    if (!file || !kind || (!catalogue && !failed)) return;
    let current = true;
    readPreview(file, (name) => catalogue?.columns.includes(name) ?? false).then(
      (found) => current && setPreview(found),
      () => current && setPreview("unreadable"),
    );
    return () => {
      current = false;
    };
  }, [file, kind, catalogue, failed]);

  const good = preview !== null && typeof preview !== "string" ? preview : null;
  const header = useMemo(() => (good ? renamedHeader(good.header, names) : []), [good, names]);
  const check = useMemo(
    () => (kind && catalogue && good ? checkHeader(kind, header, catalogue) : null),
    [kind, catalogue, good, header],
  );
  const ready = file !== null && good !== null && (check?.good || (failed && !catalogue));

  // The same file with the same options is one job, however often its upload is tried.
  const key = useRef({ key: "", of: "" });
  const keyFor = (of: string) => {
    if (key.current.of !== of) key.current = { key: newKey(), of };
    return key.current.key;
  };

  const choose = (chosen: File) => {
    setFile(chosen);
    setPreview(null);
    setNames({});
    setError(null);
    key.current = { key: "", of: "" };
    if (!options.named) setOptions({ ...options, logName: chosen.name.replace(/\.(csv|tsv|txt)$/i, "") });
  };

  const start = async (dryRun: boolean) => {
    if (!kind || !file || !good) return;
    ask.close();
    setError(null);
    const stop = new AbortController();
    const sent = Object.keys(names).length > 0 ? withHeader(file, good, header) : file;
    const given = optionsOf(options, dryRun);
    setSending({ progress: { sent: 0, total: sent.size, waiting: false }, stop });
    try {
      // A file that was saved again since is another one, and the browser does not read it any more.
      await file.slice(0, 1).arrayBuffer();
      const job = await upload({
        kind,
        community,
        file: sent,
        fileName: file.name,
        options: given,
        key: keyFor(JSON.stringify([kind, given, header])),
        signal: stop.signal,
        onProgress: (progress) => setSending((now) => now && { ...now, progress }),
      });
      keepFile(job.id, { file: sent, fileName: file.name, duplicateOf: job.duplicate_of });
      void queries.invalidateQueries({ queryKey: ["bulk-jobs", community] });
      await navigate({ to: `/c/${community}/bulk/${job.id}` as never, ignoreBlocker: true });
    } catch (failure) {
      setSending(null);
      if (stop.signal.aborted) setError(new ApiError(texts.uploadStopped, 0, "stopped"));
      else setError(failure instanceof DOMException ? new ApiError(texts.fileChanged, 0, "file_changed") : failure);
    }
  };
  // Who leaves does not wait for the upload.
  const stopper = useRef<AbortController | null>(null);
  stopper.current = sending?.stop ?? null;
  useEffect(() => () => stopper.current?.abort(), []);

  const rows = good ? texts.rowCount(format.integer(good.rowCount), good.exact) : "";
  return (
    <Page title={texts.newJob} lead={texts.lead} width="form">
      <Stack gap="lg">
        <Radio.Group
          label={<Title order={2}>{texts.kindQuestion}</Title>}
          value={kind ?? ""}
          onChange={(value) => void navigate({ search: { kind: value as Kind }, replace: true })}
          readOnly={sending !== null}
        >
          <div className={classes.kinds} style={{ marginTop: 8 }}>
            {kinds.map((one) => (
              <Radio.Card key={one} value={one} className={classes.kind} disabled={sending !== null}>
                <Group gap={8} wrap="nowrap">
                  <Radio.Indicator size="xs" />
                  <Text fw={600} size="sm">
                    {texts.kinds[one].title}
                  </Text>
                </Group>
                <Text size="sm" c="dimmed">
                  {texts.kinds[one].text}
                </Text>
              </Radio.Card>
            ))}
          </div>
        </Radio.Group>

        {kind && (
          <>
            <KindHelp kind={kind} community={community} />
            <section aria-labelledby="bulk-file">
              <Title order={2} id="bulk-file" mb="xs">
                {texts.file}
              </Title>
              <FileDrop file={file} preview={preview} onFile={choose} disabled={sending !== null} />
            </section>
          </>
        )}
        {kind && file && good && (
          <>
            <PreviewPanel
              kind={kind}
              preview={good}
              header={header}
              check={check}
              catalogue={catalogue}
              catalogueFailed={failed}
              names={names}
              onName={(position, name) => {
                const { [position]: _, ...others } = names;
                setNames(name === null ? others : { ...others, [position]: name });
              }}
              onNames={(more) => setNames({ ...names, ...more })}
            />
            <Options options={options} onChange={setOptions} disabled={sending !== null} />
          </>
        )}
        {kind && file && good && (
          <Paper p="md">
            {sending ? (
              <SendingView sending={sending} />
            ) : (
              <Stack gap="sm">
                <ErrorAlert error={error} />
                <Text size="sm" c="dimmed">
                  {texts.tryItText}
                </Text>
                <Group gap="xs">
                  <Button onClick={() => void start(true)} disabled={!ready}>
                    {texts.tryIt}
                  </Button>
                  <Button variant="default" onClick={ask.open} disabled={!ready}>
                    {texts.runWithout}
                  </Button>
                </Group>
              </Stack>
            )}
          </Paper>
        )}
      </Stack>
      <Confirm
        opened={asked}
        onClose={ask.close}
        title={texts.runWithoutTitle}
        action={texts.runNow}
        onConfirm={() => void start(false)}
        harmless
      >
        <Text size="sm">{texts.runWithoutText(rows)}</Text>
      </Confirm>
      {unsaved.question}
    </Page>
  );
}

function KindHelp({ kind, community }: { kind: Kind; community: string }) {
  const [opened, help] = useDisclosure(false);
  return (
    <Paper p="md">
      <Group justify="space-between" gap="sm" align="flex-start">
        <Text size="sm" flex={1} miw={220}>
          {texts.kinds[kind].needs}
        </Text>
        <Group gap="xs">
          <Button
            component="a"
            href={downloadUrl(community, `templates/${kind}`)}
            download
            variant="default"
            size="xs"
            leftSection={<Download size={14} aria-hidden />}
          >
            {texts.template}
          </Button>
          <Button
            component="a"
            href={downloadUrl(community, `templates/${kind}`, { example: "true" })}
            download
            variant="default"
            size="xs"
            leftSection={<Download size={14} aria-hidden />}
          >
            {texts.templateExample}
          </Button>
        </Group>
      </Group>
      <Anchor component="button" type="button" size="sm" mt="xs" onClick={help.toggle} aria-expanded={opened}>
        <Group gap={4} component="span">
          {texts.howTo}
          <ChevronDown size={14} aria-hidden style={{ transform: opened ? "rotate(180deg)" : undefined }} />
        </Group>
      </Anchor>
      <Collapse expanded={opened}>
        <List size="sm" spacing={4} mt="xs">
          {texts.howToItems.map((item) => (
            <List.Item key={item}>{item}</List.Item>
          ))}
        </List>
      </Collapse>
    </Paper>
  );
}

function SendingView({ sending: { progress, stop } }: { sending: Sending }) {
  const format = useFormat();
  const done = progress.total > 0 && progress.sent >= progress.total;
  const line = progress.waiting
    ? texts.waiting
    : done
      ? texts.checking
      : texts.uploading(format.bytes(progress.sent), format.bytes(progress.total));
  return (
    <Stack gap="sm">
      <Text size="sm" role="status" className="numeric">
        {line}
      </Text>
      <Progress
        value={progress.total === 0 ? 0 : (100 * progress.sent) / progress.total}
        animated={done || progress.waiting}
        aria-label={line}
      />
      <Box>
        <Button variant="default" onClick={() => stop.abort()}>
          {texts.stopUpload}
        </Button>
      </Box>
    </Stack>
  );
}
