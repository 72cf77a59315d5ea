import { Paper, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { FormDialog } from "~/components/form-modal";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { amountText, millionthsOf } from "../-list/amount";
import { balancesQuery, type Member } from "../-list/members-data";
import { texts } from "../-member.texts";
import { BalanceChange } from "./balance-change";
import { type Entry, signedAmount } from "./entries";
import { nameOf } from "./header";

/** Refusals in the words of this page. */
function inWords(error: unknown, currency: string): unknown {
  if (!(error instanceof ApiError)) return error;
  const words: Record<string, string> = {
    ...texts.reverseRefusals,
    insufficient_balance: texts.reverseSpent(currency),
  };
  const text = words[error.code];
  return text ? new ApiError(text, error.status, error.code, [], error.requestId) : error;
}

export function ReverseEntry({
  member,
  entry,
  currency,
  onClose,
}: {
  member: Member;
  entry: Entry;
  currency: string;
  onClose: () => void;
}) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const format = useFormat();
  const [note, setNote] = useState("");
  const [tried, setTried] = useState(false);
  // The same key for the same content: pressing again after a lost answer is told what was done.
  const [attempt, setAttempt] = useState({ note: "", key: "" });
  const current = useQuery(balancesQuery(community, member.userId)).data?.find(
    (one) => one.currency === entry.currency,
  );
  const change = millionthsOf(entry.amount);
  const balance = current && millionthsOf(current.balance);
  const again = () => queries.invalidateQueries({ queryKey: ["members", community] });
  const reverse = useMutation({
    mutationFn: () => {
      const text = note.trim();
      const key = text === attempt.note ? attempt.key : crypto.randomUUID();
      setAttempt({ note: text, key });
      return api.post("/v1/ledger/entries/{entryId}/reverse", {
        path: { entryId: entry._id },
        community,
        idempotencyKey: key,
        body: { note: text },
      });
    },
    onSuccess: async ({ data }) => {
      await again();
      toast.done(texts.reversed(`${signedAmount(data.amount, format)} ${currency}`, format.amount(data.balanceAfter)));
      onClose();
    },
    onError: (error) => {
      // What this page shows was another one's to change meanwhile.
      if (error instanceof ApiError && error.status === 409) void again();
    },
  });
  return (
    <FormDialog
      title={texts.reverseTitle}
      onClose={onClose}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (note.trim() !== "") reverse.mutate();
      }}
      dirty={note !== ""}
      pending={reverse.isPending}
      alert={{ error: inWords(reverse.error, currency) }}
      action={texts.takeBack}
      color="red.9"
    >
      <Text size="sm">
        {change >= 0n
          ? texts.reverseGiven(`${format.amount(amountText(change))} ${currency}`, nameOf(member))
          : texts.reverseTaken(`${format.amount(amountText(-change))} ${currency}`, nameOf(member))}{" "}
        {texts.reverseOnce}
      </Text>
      {balance !== undefined && (
        <Paper p="sm" bg="var(--surface-hover)">
          <BalanceChange before={balance} after={balance - change} />
        </Paper>
      )}
      {balance !== undefined && balance - change < 0n && !reverse.error && (
        <Text size="sm" c="var(--mantine-color-red-text)">
          {texts.reverseSpent(currency)}
        </Text>
      )}
      <Textarea
        label={texts.reason}
        description={texts.reverseNoteHint}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        maxLength={500}
        autosize
        minRows={2}
        withAsterisk
        error={tried && note.trim() === "" ? texts.whyNeeded : null}
        data-autofocus
      />
    </FormDialog>
  );
}
