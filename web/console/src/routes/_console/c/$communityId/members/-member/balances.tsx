import {
  Button,
  Group,
  NativeSelect,
  Paper,
  SegmentedControl,
  SimpleGrid,
  Skeleton,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { ErrorView } from "~/components/error-view";
import { FormDialog } from "~/components/form-modal";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { type AmountProblem, amountLimit, amountText, millionthsOf, readAmount } from "../-list/amount";
import { type Balance, balancesQuery, type Member } from "../-list/members-data";
import { texts } from "../-member.texts";
import { BalanceChange } from "./balance-change";
import { nameOf } from "./header";

export function Balances({ member }: { member: Member }) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const balances = useQuery(balancesQuery(community, member.userId));
  const [adjusted, setAdjusted] = useState<Balance | null>(null);
  return (
    <section aria-labelledby="member-balances">
      <Title order={2} id="member-balances">
        {texts.balances}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {texts.balancesLead}
      </Text>
      {balances.error && !balances.data ? (
        <Paper>
          <ErrorView error={balances.error} retry={() => void balances.refetch()} height={120} />
        </Paper>
      ) : (
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
          {balances.data
            ? balances.data.map((one) => (
                <Paper key={one.currency} p="md">
                  <Group justify="space-between" align="flex-start" wrap="nowrap">
                    <Text size="sm" c="dimmed">
                      {one.name}
                    </Text>
                    <Button
                      size="compact-sm"
                      variant="light"
                      aria-label={texts.adjustOf(one.name)}
                      onClick={() => setAdjusted(one)}
                    >
                      {texts.adjust}
                    </Button>
                  </Group>
                  <Text fz={24} fw={600} className="numeric" style={{ overflowWrap: "anywhere" }}>
                    {format.amount(one.balance)}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {texts.earned(format.amount(one.earned))}
                  </Text>
                </Paper>
              ))
            : [0, 1, 2].map((place) => <Skeleton key={place} height={112} radius="lg" />)}
        </SimpleGrid>
      )}
      {adjusted && <AdjustForm member={member} currency={adjusted} onClose={() => setAdjusted(null)} />}
    </section>
  );
}

type Op = keyof typeof texts.ops;
const kinds = Object.entries(texts.reasonKinds).map(([value, label]) => ({ value, label }));

/** What the balance will be, or why it cannot. */
function outcome(op: Op, balance: bigint, typed: string): bigint | AmountProblem | "negative" | "belowZero" {
  const amount = readAmount(typed);
  if (typeof amount !== "bigint") return amount;
  if (amount < 0n) return "negative";
  const after = op === "add" ? balance + amount : op === "subtract" ? balance - amount : amount;
  if (after < 0n) return "belowZero";
  return after >= amountLimit ? "tooLarge" : after;
}

function AdjustForm({ member, currency, onClose }: { member: Member; currency: Balance; onClose: () => void }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const format = useFormat();
  const [op, setOp] = useState<Op>("add");
  const [typed, setTyped] = useState("");
  const [note, setNote] = useState("");
  const [kind, setKind] = useState("goodwill");
  const [tried, setTried] = useState(false);
  // One key for one content: pressing again after a lost answer changes nothing twice, and another amount is another change.
  const [attempt, setAttempt] = useState({ content: "", key: "" });
  const current = useQuery(balancesQuery(community, member.userId)).data?.find(
    (one) => one.currency === currency.currency,
  );
  const balance = millionthsOf((current ?? currency).balance);
  const after = outcome(op, balance, typed);
  const problem =
    typeof after === "bigint" || (after === "empty" && !tried)
      ? null
      : after === "belowZero"
        ? texts.belowZero
        : texts.amountProblems[after];
  const noteMissing = tried && note.trim() === "";

  const adjust = useMutation({
    mutationFn: () => {
      const body = {
        identifier: member.userId,
        identifier_type: "id" as const,
        currency: currency.currency,
        op,
        amount: typed.trim(),
        reason: kind,
        note: note.trim(),
      };
      const content = JSON.stringify(body);
      const key = content === attempt.content ? attempt.key : crypto.randomUUID();
      setAttempt({ content, key });
      // The amount goes as the text that was typed: exact, however many digits.
      return api.post("/v1/users/balances/adjust", { community, idempotencyKey: key, body: body as never });
    },
    onSuccess: async ({ data }) => {
      await queries.invalidateQueries({ queryKey: ["members", community] });
      const change = data.entry ? millionthsOf(data.entry.amount) : 0n;
      if (data.duplicate) toast.done(texts.adjustedBefore);
      else if (!data.entry) toast.done(texts.unchanged(currency.name));
      else
        toast.done(
          texts.adjusted(
            currency.name,
            `${change > 0n ? "+" : ""}${format.amount(amountText(change))}`,
            format.amount(data.balance),
          ),
        );
      onClose();
    },
    onError: (error) => {
      // The balance has changed since the page was read.
      if (error instanceof ApiError && error.code === "insufficient_balance")
        void queries.invalidateQueries({ queryKey: balancesQuery(community, member.userId).queryKey });
    },
  });
  return (
    <FormDialog
      title={texts.adjustOf(currency.name)}
      onClose={onClose}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (typeof after === "bigint" && note.trim() !== "") adjust.mutate();
      }}
      dirty={typed !== "" || note !== ""}
      pending={adjust.isPending}
      alert={{ error: adjust.error }}
      action={texts.adjust}
    >
      <Text size="sm" c="dimmed">
        {texts.adjustLead(nameOf(member))}
      </Text>
      <SegmentedControl
        aria-label={texts.opLabel}
        value={op}
        onChange={(value) => setOp(value as Op)}
        data={(Object.keys(texts.ops) as Op[]).map((value) => ({ value, label: texts.ops[value] }))}
        fullWidth
      />
      <TextInput
        label={texts.amount}
        inputMode="decimal"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        error={problem}
        autoComplete="off"
        withAsterisk
        data-autofocus
      />
      <Paper p="sm" bg="var(--surface-hover)" aria-live="polite">
        <BalanceChange before={balance} after={typeof after === "bigint" ? after : null} />
      </Paper>
      <Textarea
        label={texts.reason}
        description={texts.reasonHint}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        maxLength={500}
        autosize
        minRows={2}
        withAsterisk
        error={noteMissing ? texts.whyNeeded : null}
      />
      <NativeSelect
        label={texts.reasonKind}
        description={texts.reasonKindHint}
        data={kinds}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
