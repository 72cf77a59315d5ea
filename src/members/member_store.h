// SQL and row mapping of accounts, memberships, sets, field values and histories: no rules.
#pragma once
#include "jobs/bulk_kind.h"
#include "members/fields.h"
#include "members/members.h"

namespace fealty::members {

struct Account {
  MemberNo number;
  AccountState state = AccountState::unclaimed;
  std::string email, username, username_key;
  TimeMs created_at = 0;
  PublicId id() const { return PublicId::of(number.value, created_at); }
};
// Accounts are the one global table: these alone take no community. Nothing of an account but its number may reach a
// caller of a community that it is no member of.
// `on_found(index of the key, account)`.
using OnAccount = std::function<void(std::size_t, Account)>;
void find_accounts_by_email(sql::Tx& tx, std::vector<std::string_view> const& email_keys, OnAccount const& on_found);
void find_accounts_by_username(sql::Tx& tx, std::vector<std::string_view> const& username_keys, OnAccount const& on_found);
void find_accounts_by_number(sql::Tx& tx, std::vector<MemberNo> const& numbers, OnAccount const& on_found);
// The same, but they may wait for tx.settle(): on_found must live so long.
void find_accounts_by_email_later(sql::Tx& tx, std::vector<std::string_view> const& email_keys, OnAccount const& on_found);
void find_accounts_by_username_later(sql::Tx& tx, std::vector<std::string_view> const& username_keys, OnAccount const& on_found);
void find_accounts_by_number_later(sql::Tx& tx, std::vector<MemberNo> const& numbers, OnAccount const& on_found);

// The numbers alone, which an index knows: one for each key, none for unknown ones.
std::vector<MemberNo> find_members_by_email(sql::Tx& tx, std::vector<std::string_view> const& email_keys);

struct NewAccount {
  MemberNo number;
  std::string email, email_key, username, username_key;
};
void insert_accounts(sql::Tx& tx, std::vector<NewAccount> const& accounts, TimeMs now);

struct Membership {
  MemberNo member;
  MembershipState state = MembershipState::active;
  std::optional<TimeMs> deleted_at;
  // Only when asked for: first name, last name, display name, phone, country, language.
  std::array<std::optional<std::string>, 6> profile;
};
// Memberships of the given members (sorted by number), locked against other writers until the transaction ends, in the
// order of their numbers.
void lock_memberships(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, bool with_profile,
                      std::function<void(Membership)> const& on_found);
// Those of the given people (sorted) who are members here and not deleted, sorted. Locks nothing.
std::vector<MemberNo> members_of(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& people);
// Deleted ones among them, but not those who were erased.
std::vector<MemberNo> ever_members_of(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& people);
// Locks nothing; nothing when they are no member here.
std::optional<MembershipState> state_of(sql::Tx& tx, CommunityNo community, MemberNo member);
struct NewMembership {
  MemberNo member;
  MembershipState state = MembershipState::active;
  // First name, last name, display name, phone, country, language.
  std::array<std::optional<std::string>, 6> profile;
};
void insert_memberships(sql::Tx& tx, CommunityNo community, std::vector<NewMembership> const& memberships, TimeMs now);

struct ProfileUpdate {
  MemberNo member;
  Value value;
};
void update_profile(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<ProfileUpdate> const& updates);

// Role and tag sets as sorted numbers joined by commas; members without any are left out.
void load_sets(sql::Tx& tx, CommunityNo community, Slot::Kind kind, std::vector<MemberNo> const& members,
               std::function<void(MemberNo, std::string)> const& on_set);
void replace_sets(sql::Tx& tx, CommunityNo community, Slot::Kind kind, std::vector<std::pair<MemberNo, std::string>> const& sets);

struct StoredValue {
  MemberNo member;
  FieldNo field;
  std::optional<std::int64_t> number;
  std::optional<std::string> text;
  HistoryNo newest;
  bool is_stored = true;  // to be set: whether there is a row for it, read under the locks of this transaction
};
void load_values(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                 std::function<void(StoredValue)> const& on_value);
// The same without a copy: a text is good until the call's end.
void show_values(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                 std::function<void(MemberNo, FieldNo, ValueView)> const& on_value);
void set_values(sql::Tx& tx, CommunityNo community, std::vector<StoredValue> const& values);

struct HistoryItem {
  HistoryNo number;
  MemberNo member;
  FieldNo field;
  ledger::Operator op = ledger::Operator::overwrite;
  std::optional<std::int64_t> operand;
  std::optional<std::int64_t> before_number, after_number;
  std::optional<std::string> before_text, after_text;
  HistoryNo previous;
  std::int64_t source_row = 0;
};
void append_history(sql::Tx& tx, CommunityNo community, SourceNo source, std::vector<HistoryItem> const& items);
// Items of one source whose numbers lie in one of the ranges, of the range's row, by number.
std::vector<HistoryItem> read_history(sql::Tx& tx, CommunityNo community, SourceNo source, std::span<jobs::RowNumbers const> rows);
// All items of one source in these ranges, whatever their rows, by number.
std::vector<HistoryItem> read_history_between(sql::Tx& tx, CommunityNo community, SourceNo source,
                                              std::span<jobs::NumberRange const> ranges);
// Their rows alone, of all items in [first, last].
void history_rows(sql::Tx& tx, CommunityNo community, SourceNo source, std::int64_t first, std::int64_t last,
                  std::function<void(std::int64_t row)> const& on_row);

// Holders of values of one identifier field.
void find_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::string_view> const& value_keys,
                      std::function<void(std::size_t, MemberNo)> const& on_found);
void remove_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::string_view> const& value_keys);
void add_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::pair<std::string_view, MemberNo>> const& values);

MemberNo community_owner(sql::Tx& tx, CommunityNo community);

}  // namespace fealty::members
