// What the operations of histories and of values take and give (user-data.md §3 and §4).
#pragma once
#include "api/schema.h"
#include "api/typed.h"

namespace fealty::members {

struct HistoryPerson {
  std::string _id;
  std::int64_t id = 0;
  std::optional<std::string> avatar, displayName;
  std::string username;
};
struct HistoryField {
  std::string _id, field, name, type;
};
struct HistorySource {
  std::string kind;
  std::optional<std::string> id, label;
};
struct UserFieldHistoryItem {
  std::string _id, communityId;
  HistoryPerson user;
  HistoryField userField;
  api::Json previousValue, value;
  std::string op;
  std::optional<Decimal> operand;
  HistorySource source;
  std::optional<HistoryPerson> creator;
  std::optional<std::string> reason, note;
  std::string createdAt;
};

struct HistoriesQuery {
  std::optional<std::int64_t> page;
  std::int64_t limit = api::kPageLimitDefault;
  std::optional<std::string> sort, fields, startDate, endDate, cursor;
  std::optional<bool> skipTotal;
};
// Of a whole community.
struct CommunityHistoriesQuery {
  std::optional<std::int64_t> page;
  std::int64_t limit = api::kPageLimitDefault;
  std::optional<std::string> sort, fields, startDate, endDate, cursor;
  std::optional<bool> skipTotal;
  std::optional<std::string> userId, fieldId, source;
  HistoriesQuery common() const { return {page, limit, sort, fields, startDate, endDate, cursor, skipTotal}; }
};

struct SetValueIn {
  std::string fieldIdorName;
  std::optional<std::string> op;
  api::Json value;
};
struct SetValuesIn {
  std::vector<SetValueIn> customFields;
  std::optional<std::string> reason;
};
struct SetValuesOut {
  std::string userId;
  api::Json customFields;
  std::vector<std::string> changed;
};
struct CreateHistoryIn {
  std::optional<std::string> fieldId, field, op, note;
  api::Json value, previousValue;
};

inline constexpr std::string_view kValueOps[] = {"overwrite", "add", "subtract"};
inline constexpr std::string_view kSourceKinds[] = {"api",    "bulk",        "incoming_webhook", "console",
                                                    "member", "create_user", "program",          "system"};
inline constexpr std::int64_t kSetValuesMax = 100, kReasonMax = 500;

}  // namespace fealty::members

namespace fealty::api {
using members::kReasonMax;
using members::kSetValuesMax;
using members::kSourceKinds;
using members::kValueOps;
}  // namespace fealty::api

#define FEALTY_H(T, name, ...) field<&fealty::members::T::name>(#name, __VA_ARGS__)
#define FEALTY_HISTORIES_QUERY(T)                                                                                               \
  FEALTY_H(T, page, "Page, from 1; not together with cursor. The pages behind 10,000 items are read with a cursor alone.",      \
           {.min = 1, .max = kPageNumberMax, .example = "1"}),                                                                  \
      limit_field<&fealty::members::T::limit>(),                                                                                \
      FEALTY_H(T, sort, "createdAt:desc (when not given) or createdAt:asc.", {.max = 40, .example = "\"createdAt:desc\""}),     \
      FEALTY_H(T, fields, "Members of the items, separated by commas.", {.max = 500}),                                          \
      FEALTY_H(T, startDate, "Day (of the community's time zone) or ISO-8601 time.", {.max = 40, .example = "\"2026-04-01\""}), \
      FEALTY_H(T, endDate, "The same; the day, or the time, belongs to it.", {.max = 40, .example = "\"2026-04-30\""}),         \
      FEALTY_H(T, cursor, "nextCursor of the page before; good for 24 hours.", {.max = 2'000}),                                 \
      FEALTY_H(T, skipTotal, "true: items are not counted, and total is left out.")

FEALTY_SCHEMA(fealty::members::HistoryPerson, FEALTY_H(HistoryPerson, _id, "Id of the account."), FEALTY_H(HistoryPerson, id, "Short id."),
              FEALTY_H(HistoryPerson, avatar, "Address of the picture."), FEALTY_H(HistoryPerson, displayName, "Display name."),
              FEALTY_H(HistoryPerson, username, "Username."))
FEALTY_SCHEMA(fealty::members::HistoryField, FEALTY_H(HistoryField, _id, "Id of the field."), FEALTY_H(HistoryField, field, "Its key."),
              FEALTY_H(HistoryField, name, "Its display name."), FEALTY_H(HistoryField, type, "Its type."))
FEALTY_SCHEMA(fealty::members::HistorySource, FEALTY_H(HistorySource, kind, "What changed the value.", {.one_of = kSourceKinds}),
              FEALTY_H(HistorySource, id,
                       "bulk: job:row, or job:row:revert; api and create_user: the public prefix of the key; otherwise null.",
                       {.example = "\"665f00000000000000009001:7\""}),
              FEALTY_H(HistorySource, label, "bulk: the name of the job's log."))
FEALTY_SCHEMA(fealty::members::UserFieldHistoryItem, FEALTY_H(UserFieldHistoryItem, _id, "Id of the item."),
              FEALTY_H(UserFieldHistoryItem, communityId, "Id of the community."), FEALTY_H(UserFieldHistoryItem, user, "The member."),
              FEALTY_H(UserFieldHistoryItem, userField, "The field."),
              FEALTY_H(UserFieldHistoryItem, previousValue, "The value before; null: none."),
              FEALTY_H(UserFieldHistoryItem, value, "The value since; null: none."),
              FEALTY_H(UserFieldHistoryItem, op, "How it was changed.", {.one_of = kValueOps}),
              FEALTY_H(UserFieldHistoryItem, operand, "What was added, subtracted or written; of numbers alone."),
              FEALTY_H(UserFieldHistoryItem, source, "Where the change came from."),
              FEALTY_H(UserFieldHistoryItem, creator, "The person who made it; null when a key, an import or the system did."),
              FEALTY_H(UserFieldHistoryItem, reason, "As it was given with the change."),
              FEALTY_H(UserFieldHistoryItem, note, "As it was given with the change."),
              FEALTY_H(UserFieldHistoryItem, createdAt, "When it was written.", {.format = "date-time"}))
FEALTY_SCHEMA(fealty::members::HistoriesQuery, FEALTY_HISTORIES_QUERY(HistoriesQuery))
FEALTY_SCHEMA(fealty::members::CommunityHistoriesQuery, FEALTY_HISTORIES_QUERY(CommunityHistoriesQuery),
              FEALTY_H(CommunityHistoriesQuery, userId, "Of this member alone: _id or short id.", {.max = 24}),
              FEALTY_H(CommunityHistoriesQuery, fieldId, "Of this field alone.", {.max = 24}),
              FEALTY_H(CommunityHistoriesQuery, source, "Of this kind of source alone. Such lists have no total.",
                       {.one_of = kSourceKinds}))
FEALTY_SCHEMA(fealty::members::SetValueIn,
              FEALTY_H(SetValueIn, fieldIdorName, "_id, key or display name of a custom field; the last two without case.",
                       {.min = 1, .max = 100, .required = true, .example = "\"deposit-amount\""}),
              FEALTY_H(SetValueIn, op, "overwrite when absent; add and subtract for numbers.", {.one_of = kValueOps}),
              FEALTY_H(SetValueIn, value, "A value of the field's type; null, and \"\" for texts, clears it.",
                       {.required = true, .example = "50"}))
FEALTY_SCHEMA(fealty::members::SetValuesIn,
              FEALTY_H(SetValuesIn, customFields, "Each field once.", {.min = 1, .max = kSetValuesMax, .required = true}),
              FEALTY_H(SetValuesIn, reason, "Kept with the items of history.", {.max = kReasonMax}))
FEALTY_SCHEMA(fealty::members::SetValuesOut, FEALTY_H(SetValuesOut, userId, "Short id."),
              FEALTY_H(SetValuesOut, customFields, "The values of the named fields now, by key."),
              FEALTY_H(SetValuesOut, changed, "Keys of those that changed."))
FEALTY_SCHEMA(fealty::members::CreateHistoryIn,
              FEALTY_H(CreateHistoryIn, fieldId, "Id of a custom field; this or field.", {.format = "id"}),
              FEALTY_H(CreateHistoryIn, field, "Key of a custom field; this or fieldId.", {.min = 1, .max = 100}),
              FEALTY_H(CreateHistoryIn, value, "A value of the field's type; null clears it.", {.required = true, .example = "150"}),
              FEALTY_H(CreateHistoryIn, op, "overwrite when absent; add and subtract for numbers.", {.one_of = kValueOps}),
              FEALTY_H(CreateHistoryIn, note, "Kept with the item.", {.max = kReasonMax}),
              FEALTY_H(CreateHistoryIn, previousValue, "Refused with 409 value_changed when the present value is another one; null: none."))
#undef FEALTY_HISTORIES_QUERY
#undef FEALTY_H
