// What the operations of balances take and give.
#pragma once
#include "api/schema.h"
#include "members/balances.h"
#include "members/entries_api.h"
#include "members/member_reference.h"

namespace fealty::members {

struct Adjusted {
  std::optional<EntryOut> entry;
  Decimal balance;
  bool duplicate = false;
};
struct AdjustedList {
  std::vector<Adjusted> items;
};
struct AdjustItems {
  std::vector<AdjustItem> items;
};
// Documents both forms of the request and of the answer.
struct AdjustIn {
  std::optional<std::string> identifier, identifier_type, field_name, currency, op;
  std::optional<Decimal> amount;
  std::optional<std::string> reason, note, sourceId;
  std::optional<std::vector<AdjustItem>> items;
};
struct AdjustOut {
  std::optional<EntryOut> entry;
  std::optional<Decimal> balance;
  std::optional<bool> duplicate;
  std::optional<std::vector<Adjusted>> items;
};

inline constexpr std::string_view kOperators[] = {"add", "subtract", "overwrite"};

}  // namespace fealty::members

#define FEALTY_REFERENCE(T, required_)                                                                                               \
  field<&T::identifier>("identifier", "Names the member: e-mail, short id, _id or username.",                                        \
                        {.min = 1, .max = 320, .required = (required_), .example = "\"ana@example.org\""}),                          \
      field<&T::identifier_type>("identifier_type", "What identifier is. Absent: what it looks like.", {.one_of = kReferenceTypes}), \
      field<&T::field_name>("field_name", "With custom-field: name or key of a field that identifies members.", {.min = 1, .max = 100})
#define FEALTY_CHANGE(T, required_)                                                                                                      \
  field<&T::currency>("currency", "Code of the currency: xp, coins, premium or one of the community's own.",                             \
                      {.min = 1, .max = 64, .required = (required_), .example = "\"coins\""}),                                           \
      field<&T::op>("op", "add, subtract or overwrite.", {.one_of = kOperators, .required = (required_)}),                               \
      field<&T::amount>("amount", "What is added or subtracted, 0 or more; with overwrite the new balance.", {.required = (required_)}), \
      field<&T::reason>("reason", "A word for reports, in snake_case.", {.min = 1, .max = 64, .example = "\"top_up\""}),                 \
      field<&T::note>("note", "Free text for people.", {.max = 500, .format = "multi-line"}),                                            \
      field<&T::sourceId>("sourceId",                                                                                                    \
                          "The caller's own id of the change. The same id is applied once for ever, for this key, member and currency.", \
                          {.min = 1, .max = 255})

namespace fealty::api {
using members::kOperators;
using members::kReferenceTypes;
}  // namespace fealty::api

FEALTY_SCHEMA(fealty::members::BalancesIn, FEALTY_REFERENCE(fealty::members::BalancesIn, true))
FEALTY_SCHEMA(fealty::members::CurrencyBalance,
              field<&fealty::members::CurrencyBalance::currency>("currency", "Code.", {.example = "\"coins\""}),
              field<&fealty::members::CurrencyBalance::name>("name", "Name in this community."),
              field<&fealty::members::CurrencyBalance::balance>("balance", "What the member has now."),
              field<&fealty::members::CurrencyBalance::earned>("earned", "What the member ever earned; spending does not lower it."))
FEALTY_SCHEMA(fealty::members::MemberBalances, field<&fealty::members::MemberBalances::user_id>("user_id", "Short id of the member."),
              field<&fealty::members::MemberBalances::balances>("balances", "Every currency of the community."))
FEALTY_SCHEMA(fealty::members::AdjustItem, FEALTY_REFERENCE(fealty::members::AdjustItem, true),
              FEALTY_CHANGE(fealty::members::AdjustItem, true))
FEALTY_SCHEMA(fealty::members::AdjustItems, field<&fealty::members::AdjustItems::items>("items", "All of them."))
FEALTY_SCHEMA(fealty::members::AdjustIn, FEALTY_REFERENCE(fealty::members::AdjustIn, false),
              FEALTY_CHANGE(fealty::members::AdjustIn, false),
              field<&fealty::members::AdjustIn::items>("items",
                                                       "Several changes, all or none, in their order; then the other members are absent.",
                                                       {.min = 1, .max = 100}))
FEALTY_SCHEMA(fealty::members::Adjusted, field<&fealty::members::Adjusted::entry>("entry", "The entry; null when nothing had to change."),
              field<&fealty::members::Adjusted::balance>("balance", "The balance after the entry."),
              field<&fealty::members::Adjusted::duplicate>("duplicate", "The source was applied before; nothing happened now."))
FEALTY_SCHEMA(fealty::members::AdjustedList, field<&fealty::members::AdjustedList::items>("items", "One for each item, in their order."))
FEALTY_SCHEMA(fealty::members::AdjustOut, field<&fealty::members::AdjustOut::entry>("entry", "The entry; null when nothing had to change."),
              field<&fealty::members::AdjustOut::balance>("balance", "The balance after the entry.", {.omit_empty = true}),
              field<&fealty::members::AdjustOut::duplicate>("duplicate", "The source was applied before; nothing happened now.",
                                                            {.omit_empty = true}),
              field<&fealty::members::AdjustOut::items>("items", "Instead of the others, when items were sent: one for each.",
                                                        {.omit_empty = true}))
#undef FEALTY_REFERENCE
#undef FEALTY_CHANGE
