// What is in the file: its columns, put right where they are not, and its first rows.
import { Alert, Badge, Button, Group, Paper, Select, Stack, Table, Text, Title, Tooltip } from "@mantine/core";
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useMemo } from "react";
import { useFormat } from "~/format/format";
import classes from "./-bulk.module.css";
import { texts } from "./-bulk.texts";
import { type Catalogue, type Column, checkRow, type HeaderCheck, type Kind, type Preview } from "./-csv";

/** Names that begin so are notes, which the server does not read. */
export const leftOut = "#";

export const renamedHeader = (header: string[], names: Record<number, string>): string[] =>
  header.map((name, position) => names[position] ?? name);

function problemOf(column: Column): string {
  const told = texts.problems[column.problem!](column.name);
  if (!column.suggestion) return told;
  const sameLetters = column.suggestion.toLowerCase() === column.name.toLowerCase();
  return `${told} ${sameLetters ? texts.caseMatters(column.suggestion) : texts.didYouMean(column.suggestion)}`;
}

const roleColors: Record<Column["role"], string> = {
  key: "fealty",
  value: "teal",
  operator: "gray",
  ignored: "gray",
  wrong: "red",
};

type Props = {
  kind: Kind;
  preview: Preview;
  /** With the names that columns get in the upload. */
  header: string[];
  check: HeaderCheck | null;
  catalogue: Catalogue | undefined;
  catalogueFailed: boolean;
  names: Record<number, string>;
  /** Null gives a column its own name back. */
  onName: (position: number, name: string | null) => void;
  onNames: (names: Record<number, string>) => void;
};

export function PreviewPanel(props: Props) {
  const { check, catalogueFailed } = props;
  return (
    <>
      <section aria-labelledby="bulk-columns">
        <Title order={2} id="bulk-columns" mb="xs">
          {texts.columns}
        </Title>
        {!check && catalogueFailed && (
          <Alert color="yellow" icon={<TriangleAlert size={18} aria-hidden />}>
            {texts.catalogueFailed}
          </Alert>
        )}
        {check && <Columns {...props} check={check} />}
      </section>
      <FirstRows {...props} />
    </>
  );
}

function Columns({ kind, preview, check, catalogue, names, onName, onNames }: Props & { check: HeaderCheck }) {
  const problems = [
    ...check.missing.map((name) => texts.missingColumn(name, kind)),
    ...(check.nothingToChange ? [texts.nothingToChange] : []),
  ];
  const wrong = problems.length + check.columns.filter((column) => column.role === "wrong").length;
  // Two columns that look like the same one are told apart by people.
  const suggested = check.columns.flatMap((column, position) =>
    column.suggestion &&
    check.columns.filter((one) => one.name === column.suggestion || one.suggestion === column.suggestion).length === 1
      ? [[position, column.suggestion] as const]
      : [],
  );
  const taken = new Set(check.columns.map((column) => column.name));
  const free = (catalogue?.columns ?? []).filter((name) => !taken.has(name));
  return (
    <Paper style={{ overflow: "hidden" }}>
      <Group gap={8} p="sm" px="md" role="status" wrap="nowrap">
        {check.good ? (
          <CircleCheck size={18} color="var(--mantine-color-teal-filled)" aria-hidden />
        ) : (
          <CircleAlert size={18} color="var(--mantine-color-red-filled)" aria-hidden />
        )}
        <Text size="sm" fw={500} flex={1}>
          {check.good ? texts.columnsGood(check.columns.length) : texts.columnsWrong(wrong)}
        </Text>
        {suggested.length > 0 && (
          <Button size="xs" variant="light" onClick={() => onNames(Object.fromEntries(suggested))}>
            {texts.takeSuggestions(suggested.length)}
          </Button>
        )}
      </Group>
      {problems.map((problem) => (
        <Text key={problem} size="sm" c="var(--mantine-color-error)" px="md" pb="sm">
          {problem}
        </Text>
      ))}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <section className={classes.preview} tabIndex={0} aria-label={texts.columns}>
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={190}>{texts.column}</Table.Th>
              <Table.Th>{texts.meaning}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {check.columns.map((column, position) => {
              const own = preview.header[position]!;
              const renamed = names[position];
              const options = [...new Set([...(column.suggestion ? [column.suggestion] : []), ...free])];
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place in the file
                <Table.Tr key={position}>
                  <Table.Td style={{ verticalAlign: "top" }}>
                    <Text size="sm" fw={500} truncate title={own}>
                      {own || texts.problems.emptyName()}
                    </Text>
                  </Table.Td>
                  <Table.Td style={{ whiteSpace: "normal", maxWidth: "none" }}>
                    <Group gap={8}>
                      {column.role !== "wrong" && (
                        <Badge color={roleColors[column.role]}>{texts.roles[column.role]}</Badge>
                      )}
                      {column.role === "wrong" && (
                        <Text size="sm" c="var(--mantine-color-error)" flex="1 1 220px">
                          {problemOf(column)}
                        </Text>
                      )}
                      {renamed !== undefined && (
                        <Text size="sm" c="dimmed">
                          {renamed.startsWith(leftOut) ? texts.leftOut : `→ ${renamed}`}
                        </Text>
                      )}
                      {(column.role === "wrong" || renamed !== undefined) && (
                        <Select
                          size="xs"
                          w={{ base: "100%", xs: 190 }}
                          aria-label={texts.readAs(own)}
                          placeholder={texts.readAsLabel}
                          searchable
                          clearable
                          value={renamed === undefined ? null : renamed.startsWith(leftOut) ? leftOut : renamed}
                          data={[
                            ...(renamed && !renamed.startsWith(leftOut) ? [renamed] : []),
                            ...options,
                            { value: leftOut, label: texts.keepAsNote },
                          ]}
                          onChange={(value) => onName(position, value === leftOut ? leftOut + own : value)}
                        />
                      )}
                    </Group>
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </section>
    </Paper>
  );
}

function FirstRows({ preview, header, check, catalogue }: Props) {
  const format = useFormat();
  const problems = useMemo(
    () => preview.rows.map((row) => (check && catalogue ? checkRow(check.columns, row, catalogue.numerical) : [])),
    [preview.rows, check, catalogue],
  );
  const suspect = problems.filter((row) => row.length > 0).length;
  return (
    <section aria-labelledby="bulk-rows">
      <Title order={2} id="bulk-rows" mb="xs">
        {texts.firstRows(preview.rows.length)}
      </Title>
      <Stack gap="xs">
        {suspect > 0 && (
          <Alert color="yellow" icon={<TriangleAlert size={18} aria-hidden />}>
            {texts.rowsSuspect(suspect)}
          </Alert>
        )}
        <Paper style={{ overflow: "hidden" }}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls both ways */}
          <section className={classes.preview} tabIndex={0} aria-label={texts.firstRows(preview.rows.length)}>
            <Table verticalSpacing={5} horizontalSpacing="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{texts.row}</Table.Th>
                  {header.map((name, position) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place in the file
                    <Table.Th key={position}>{name}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {preview.rows.map((cells, row) => {
                  const whole = problems[row]?.find((one) => one.column < 0);
                  return (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place in the file
                    <Table.Tr key={row}>
                      <Table.Td c="dimmed" className="numeric">
                        <Suspect problem={whole && texts.cellProblems[whole.problem]}>
                          {format.integer(row + 2)}
                        </Suspect>
                      </Table.Td>
                      {header.map((_, position) => {
                        const found = problems[row]?.find((one) => one.column === position);
                        return (
                          // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place in the file
                          <Table.Td key={position}>
                            <Suspect problem={found && texts.cellProblems[found.problem]}>{cells[position]}</Suspect>
                          </Table.Td>
                        );
                      })}
                    </Table.Tr>
                  );
                })}
              </Table.Tbody>
            </Table>
          </section>
        </Paper>
      </Stack>
    </section>
  );
}

function Suspect({ problem, children }: { problem: string | undefined; children: string | undefined }) {
  if (!problem) return <>{children}</>;
  return (
    <Tooltip label={problem} multiline maw={300} events={{ hover: true, focus: true, touch: true }}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is wrong is told to those who come by keyboard, too */}
      <span className={classes.suspect} tabIndex={0} role="note" aria-label={`${children ?? ""} ${problem}`}>
        {children?.trim() ? children : "–"}
      </span>
    </Tooltip>
  );
}
