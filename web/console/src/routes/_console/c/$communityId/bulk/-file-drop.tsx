import { Group, Stack, Text, ThemeIcon } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import "@mantine/dropzone/styles.css";
import { CircleAlert, FileSpreadsheet, Upload } from "lucide-react";
import { useFormat } from "~/format/format";
import classes from "./-bulk.module.css";
import { texts } from "./-bulk.texts";
import type { Preview, Refusal } from "./-csv";

/** Takes one file, whatever the system calls its type: its content decides, and the server's check. */
export function FileDrop({
  file,
  preview,
  onFile,
  disabled,
}: {
  file: File | null;
  preview: Preview | Refusal | "unreadable" | null;
  onFile: (file: File) => void;
  disabled: boolean;
}) {
  const format = useFormat();
  const refused =
    typeof preview === "string" ? (preview === "unreadable" ? texts.unreadable : texts.refusals[preview]) : null;
  const facts =
    preview && typeof preview !== "string"
      ? [
          texts.rowCount(format.integer(preview.rowCount), preview.exact),
          texts.separatedBy(texts.delimiters[preview.delimiter] ?? `“${preview.delimiter}”`),
          texts.encodings[preview.encoding],
        ].join(" · ")
      : "";
  return (
    <>
      <Dropzone
        className={classes.drop}
        onDrop={(files) => files[0] && onFile(files[0])}
        multiple={false}
        disabled={disabled}
        radius="lg"
        role="button"
        aria-label={file ? `${texts.otherFile}: ${file.name}` : texts.drop}
        inputProps={{ "aria-label": texts.drop }}
        styles={{ inner: { pointerEvents: "none" } }}
      >
        <Stack align="center" gap={6} ta="center" maw={460}>
          <ThemeIcon variant="light" color={refused ? "red" : file ? "fealty" : "gray"} size={40} radius="xl">
            {refused ? <CircleAlert size={20} /> : file ? <FileSpreadsheet size={20} /> : <Upload size={20} />}
          </ThemeIcon>
          {file ? (
            <>
              <Text fw={600} size="sm" style={{ overflowWrap: "anywhere" }}>
                {file.name}
              </Text>
              <Group gap={6} justify="center">
                <Text size="sm" c="dimmed" className="numeric">
                  {[format.bytes(file.size), facts].filter(Boolean).join(" · ")}
                </Text>
              </Group>
              <Text size="xs" c="dimmed">
                {texts.otherFile}
              </Text>
            </>
          ) : (
            <>
              <Text fw={600} size="sm">
                <Dropzone.Idle>{texts.drop}</Dropzone.Idle>
                <Dropzone.Accept>{texts.dropNow}</Dropzone.Accept>
                <Dropzone.Reject>{texts.drop}</Dropzone.Reject>
              </Text>
              <Text size="sm" c="dimmed">
                {texts.dropOr}
              </Text>
            </>
          )}
        </Stack>
      </Dropzone>
      {refused && (
        <Text size="sm" c="var(--mantine-color-error)" mt="xs" role="alert">
          {refused}
        </Text>
      )}
    </>
  );
}
