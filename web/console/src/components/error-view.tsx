import { Alert, Button, Center, Group, List, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { CircleAlert, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError, type Problem } from "~/api/errors";
import { useFormat } from "~/format/format";
import { common } from "~/texts/common.texts";

function Problems({ problems }: { problems: Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <List size="sm" spacing={2} mt={4}>
      {problems.map((problem) => (
        <List.Item key={`${problem.field} ${problem.code} ${problem.message}`}>
          {problem.field && (
            <Text span ff="monospace" size="xs" mr={6}>
              {problem.field}
            </Text>
          )}
          {problem.message}
        </List.Item>
      ))}
    </List>
  );
}

/** Code and request id: what support asks for. */
function Particulars({ error }: { error: ApiError }) {
  const format = useFormat();
  return (
    <Text size="xs" c="dimmed" mt={4}>
      {error.retryAfterSeconds !== null && `${common.retryIn(format.duration(error.retryAfterSeconds))} `}
      {error.code}
      {error.requestId && <> · {common.requestId(error.requestId)}</>}
    </Text>
  );
}

/** What went wrong with something that was sent, above its form. `problems` are those that stand at no field of it. */
export function ErrorAlert({ error, problems }: { error: unknown; problems?: Problem[] }) {
  if (!error) return null;
  const known = error instanceof ApiError ? error : null;
  return (
    <Alert
      color="red"
      icon={<CircleAlert size={18} aria-hidden />}
      title={known ? known.message : common.failed}
      role="alert"
    >
      {known && <Problems problems={problems ?? known.problems} />}
      {known && <Particulars error={known} />}
    </Alert>
  );
}

/** In the place of something that could not be loaded; as high as what it stands for, so that nothing jumps. */
export function ErrorView({ error, retry, height = 280 }: { error: unknown; retry?: () => void; height?: number }) {
  const known = error instanceof ApiError ? error : null;
  return (
    <Center mih={height} p="lg" role="alert">
      <Stack align="center" gap="xs" maw={440} ta="center">
        <ThemeIcon variant="light" color="red" size={44} radius="xl">
          <CircleAlert size={22} aria-hidden />
        </ThemeIcon>
        <Title order={3}>{common.cannotLoad}</Title>
        {known && <Text size="sm">{known.message}</Text>}
        {known && <Particulars error={known} />}
        {retry && (
          <Button variant="default" onClick={retry} mt="xs">
            {common.retry}
          </Button>
        )}
      </Stack>
    </Center>
  );
}

/** In the place of a list with nothing in it: what would be here, and how it comes here. */
export function EmptyView({
  icon: Icon,
  title,
  children,
  action,
  height = 280,
}: {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  height?: number;
}) {
  return (
    <Center mih={height} p="lg">
      <Stack align="center" gap="xs" maw={420} ta="center">
        <ThemeIcon variant="light" color="gray" size={44} radius="xl">
          <Icon size={22} aria-hidden />
        </ThemeIcon>
        <Title order={3}>{title}</Title>
        {children && (
          <Text size="sm" c="dimmed">
            {children}
          </Text>
        )}
        {action && <Group mt="xs">{action}</Group>}
      </Stack>
    </Center>
  );
}
