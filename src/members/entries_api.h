// Entries of the ledger as the API shows them (gamification.md §2).
#pragma once
#include "api/schema.h"
#include "api/typed.h"
#include "ledger/entries.h"

namespace fealty::members {

struct EntryUser {
  std::optional<std::string> _id;
  std::string id;
  std::optional<std::string> username;
};
struct EntrySource {
  std::string kind, id, leg;
  std::optional<std::string> label = {};
};
struct EntryActor {
  std::string type, id, name;
};
struct EntryOut {
  std::string _id;
  EntryUser user;
  std::string currency, entry_class;
  Decimal amount, balanceAfter;
  EntrySource source;
  std::optional<std::string> reason, note;
  EntryActor actor;
  std::optional<std::string> reversalOf, reversedBy;
  std::string createdAt;
};

struct EntriesQuery {
  std::optional<std::string> user_id, currency, entry_class, sourceKind, sourceId, startDate, endDate;
  std::int64_t limit = api::kPageLimitDefault;
  std::optional<std::string> cursor;
};
struct ReverseIn {
  std::string note;
};

inline constexpr std::string_view kEntryClasses[] = {"earn", "spend", "refund", "correct", "expire"};

}  // namespace fealty::members

namespace fealty::api {
using ledger::kEntrySourceKinds;
using members::kEntryClasses;
}  // namespace fealty::api

#define FEALTY_E(T, name, ...) field<&fealty::members::T::name>(#name, __VA_ARGS__)
FEALTY_SCHEMA(fealty::members::EntryUser, FEALTY_E(EntryUser, _id, "Id of the account; null when there is none any more."),
              FEALTY_E(EntryUser, id, "Short id."), FEALTY_E(EntryUser, username, "Username; null of who is no member any more."))
FEALTY_SCHEMA(
    fealty::members::EntrySource, FEALTY_E(EntrySource, kind, "What made the entry.", {.one_of = kEntrySourceKinds}),
    FEALTY_E(EntrySource, id,
             "api_key, admin: id of the key or of the person's account, a colon, and the sourceId or Idempotency-Key; bulk: job:row; "
             "revert: the entry that was taken back, or job:row of a job that was.",
             {.example = "\"665f00000000000000009001:7\""}),
    FEALTY_E(EntrySource, leg, "Tells apart several entries of one source; revert of a job: the reversing job."),
    FEALTY_E(EntrySource, label, "Of jobs: the name of the job's log.", {.omit_empty = true}))
FEALTY_SCHEMA(fealty::members::EntryActor, FEALTY_E(EntryActor, type, "user, api_key, community_key, system_key, operator …"),
              FEALTY_E(EntryActor, id, "Public id of the key or person."), FEALTY_E(EntryActor, name, "Name of the key or person."))
FEALTY_SCHEMA(fealty::members::EntryOut, FEALTY_E(EntryOut, _id, "Id of the entry."), FEALTY_E(EntryOut, user, "Whose balance."),
              FEALTY_E(EntryOut, currency, "Code."),
              field<&fealty::members::EntryOut::entry_class>("class", "Why the balance changed.", {.one_of = kEntryClasses}),
              FEALTY_E(EntryOut, amount, "What was added; below zero when it was taken away."),
              FEALTY_E(EntryOut, balanceAfter, "The balance that it left."), FEALTY_E(EntryOut, source, "What made it."),
              FEALTY_E(EntryOut, reason, "As given."), FEALTY_E(EntryOut, note, "As given."), FEALTY_E(EntryOut, actor, "Who."),
              FEALTY_E(EntryOut, reversalOf, "Id of the entry that this one takes back by itself."),
              FEALTY_E(EntryOut, reversedBy, "Id of the entry that took this one back by itself.", {.omit_empty = true}),
              FEALTY_E(EntryOut, createdAt, "When.", {.format = "date-time"}))
FEALTY_SCHEMA(fealty::members::EntriesQuery,
              FEALTY_E(EntriesQuery, user_id, "Of this member alone: short id or _id.", {.max = 24, .example = "\"1203\""}),
              FEALTY_E(EntriesQuery, currency, "Code of a currency.", {.max = 64, .example = "\"coins\""}),
              field<&fealty::members::EntriesQuery::entry_class>("class", "Of this class alone.", {.one_of = kEntryClasses}),
              FEALTY_E(EntriesQuery, sourceKind, "Of this kind of source alone.", {.one_of = kEntrySourceKinds}),
              FEALTY_E(EntriesQuery, sourceId, "source.id of the entries; of bulk and revert also the job's id alone.", {.max = 300}),
              FEALTY_E(EntriesQuery, startDate, "Day (of the community's time zone) or ISO-8601 time.",
                       {.max = 40, .example = "\"2026-04-01\""}),
              FEALTY_E(EntriesQuery, endDate, "The same; the day, or the time, belongs to it.", {.max = 40, .example = "\"2026-04-30\""}),
              limit_field<&fealty::members::EntriesQuery::limit>(),
              FEALTY_E(EntriesQuery, cursor, "nextCursor of the page before; good for 24 hours.", {.max = 4'000}))
FEALTY_SCHEMA(fealty::members::ReverseIn,
              FEALTY_E(ReverseIn, note, "Why, for people.", {.min = 1, .max = 500, .format = "multi-line", .required = true}))
#undef FEALTY_E
