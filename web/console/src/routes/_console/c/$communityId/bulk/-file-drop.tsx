import { Button, FileButton, Stack, Text, ThemeIcon } from "@mantine/core";
import { CircleAlert, FileSpreadsheet, Upload } from "lucide-react";
import { useState } from "react";
import { useFormat } from "~/format/format";
import classes from "./-bulk.module.css";
import { texts } from "./-bulk.texts";
import type { Preview, Refusal } from "./-csv";

/** Takes one file, dropped or chosen, whatever the system calls its type: its content decides, and the server's check. */
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
  const [over, setOver] = useState(false);
  const refused =
    typeof preview === "string" ? (preview === "unreadable" ? texts.unreadable : texts.refusals[preview]) : null;
  const facts =
    preview && typeof preview !== "string"
      ? [
          texts.rowCount(format.integer(preview.rowCount), preview.exact),
          texts.separatedBy(texts.delimiters[preview.delimiter] ?? `“${preview.delimiter}”`),
          texts.encodings[preview.encoding],
        ]
      : [];
  return (
    // Who has no mouse to drop with has the button in it.
    // biome-ignore lint/a11y/noStaticElementInteractions: nothing else is done by it
    <div
      className={classes.drop}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        event.dataTransfer.dropEffect = disabled ? "none" : "copy";
        setOver(!disabled);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const dropped = event.dataTransfer.files[0];
        if (dropped && !disabled) onFile(dropped);
      }}
    >
      <Stack align="center" gap={8} ta="center" maw={480}>
        <ThemeIcon variant="light" color={refused ? "red" : file ? "fealty" : "gray"} size={40} radius="xl">
          {refused ? <CircleAlert size={20} /> : file ? <FileSpreadsheet size={20} /> : <Upload size={20} />}
        </ThemeIcon>
        <Text fw={600} size="sm" style={{ overflowWrap: "anywhere" }}>
          {over ? texts.dropNow : (file?.name ?? texts.drop)}
        </Text>
        <Text size="sm" c="dimmed" className="numeric">
          {file ? [format.bytes(file.size), ...facts].join(" · ") : texts.dropOr}
        </Text>
        {refused && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {refused}
          </Text>
        )}
        <FileButton onChange={(chosen) => chosen && onFile(chosen)} disabled={disabled}>
          {(props) => (
            <Button {...props} variant="default" size="xs" disabled={disabled}>
              {file ? texts.otherFile : texts.chooseFile}
            </Button>
          )}
        </FileButton>
      </Stack>
    </div>
  );
}
