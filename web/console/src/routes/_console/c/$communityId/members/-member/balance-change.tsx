import { Group, Text } from "@mantine/core";
import { ArrowRight } from "lucide-react";
import { useFormat } from "~/format/format";
import { common } from "~/texts/common.texts";
import { amountText } from "../-list/amount";
import { texts } from "../-member.texts";

/** A balance now and after what is asked, in millionths; none where it cannot be. */
export function BalanceChange({ before, after }: { before: bigint; after: bigint | null }) {
  const format = useFormat();
  return (
    <Group justify="space-between" wrap="nowrap">
      <Side label={texts.resultNow} value={format.amount(amountText(before))} />
      <ArrowRight size={18} aria-hidden />
      <Side label={texts.resultAfter} value={after === null ? common.none : format.amount(amountText(after))} end />
    </Group>
  );
}

function Side({ label, value, end }: { label: string; value: string; end?: boolean }) {
  return (
    <div style={{ textAlign: end ? "right" : "left", minWidth: 0 }}>
      <Text size="xs" c="dimmed">
        {texts.result} {label}
      </Text>
      <Text fw={600} className="numeric" style={{ overflowWrap: "anywhere" }}>
        {value}
      </Text>
    </div>
  );
}
