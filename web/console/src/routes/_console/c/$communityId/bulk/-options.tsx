import { NumberInput, Paper, Radio, Stack, Text, TextInput, Title } from "@mantine/core";
import { texts } from "./-bulk.texts";
import type { UploadOptions } from "./-upload";

const nameMax = 200;
const errorsMax = 10_000_000;
const errorsUsual = 100;

export type OptionsState = {
  logName: string;
  /** Typed by somebody, so a file that is chosen does not change it. */
  named: boolean;
  stop: "never" | "first" | "after";
  after: number;
};
export const defaultOptions: OptionsState = { logName: "", named: false, stop: "never", after: errorsUsual };

export const optionsOf = (options: OptionsState, dryRun: boolean): UploadOptions => ({
  logName: options.logName,
  dryRun,
  maxErrors: options.stop === "never" ? null : options.stop === "first" ? 0 : options.after,
});

export function Options({
  options,
  onChange,
  disabled,
}: {
  options: OptionsState;
  onChange: (options: OptionsState) => void;
  disabled: boolean;
}) {
  return (
    <section aria-labelledby="bulk-options">
      <Title order={2} id="bulk-options" mb="xs">
        {texts.options}
      </Title>
      <Paper p="md">
        <Stack gap="md">
          <TextInput
            label={texts.logName}
            description={texts.logNameText}
            value={options.logName}
            onChange={(event) => onChange({ ...options, logName: event.currentTarget.value, named: true })}
            maxLength={nameMax}
            disabled={disabled}
            maw={460}
          />
          <Radio.Group
            label={texts.whenRefused}
            value={options.stop}
            onChange={(stop) => onChange({ ...options, stop: stop as OptionsState["stop"] })}
          >
            <Stack gap={8} mt={6}>
              <Radio value="never" label={texts.goOn} disabled={disabled} />
              <Radio value="first" label={texts.stopAtFirst} disabled={disabled} />
              <Radio value="after" label={texts.stopAfter} disabled={disabled} />
              {options.stop === "after" && (
                <NumberInput
                  aria-label={texts.stopAfterLabel}
                  value={options.after}
                  onChange={(value) => onChange({ ...options, after: typeof value === "number" ? value : errorsUsual })}
                  min={0}
                  max={errorsMax}
                  allowDecimal={false}
                  clampBehavior="strict"
                  thousandSeparator
                  disabled={disabled}
                  w={150}
                  ml={32}
                />
              )}
            </Stack>
          </Radio.Group>
          <Text size="xs" c="dimmed">
            {texts.silentText}
          </Text>
        </Stack>
      </Paper>
    </section>
  );
}
