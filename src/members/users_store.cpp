#include "members/users_store.h"

#include "api/json_writer.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

Statement const kUser{
    "users.load",
    "SELECT m.state, m.state_until, m.first_name, m.last_name, m.display_name, m.phone, m.country, m.language, m.avatar, "
    "m.hidden, m.referred_by, m.joined_at, m.last_online_at, c.time_zone, c.host FROM memberships m CROSS JOIN communities c "
    "WHERE m.community_id = $1 AND m.member_id = $2 AND c.community_id = $1"};
Statement const kBalances{
    "users.balances", "SELECT currency_id, amount, entry_id FROM balances WHERE community_id = $1 AND member_id = $2 AND currency_id <= 3"};
// Larger positions rank higher; of equal ones the older role.
Statement const kRoles{"users.roles",
                       "SELECT r.title FROM member_roles s JOIN roles r ON r.community_id = s.community_id AND r.role_id = s.role_id "
                       "WHERE s.community_id = $1 AND s.member_id = $2 ORDER BY r.position DESC, r.role_id"};
Statement const kTags{"users.tags",
                      "SELECT t.name FROM member_tags s JOIN tags t ON t.community_id = s.community_id AND t.tag_id = s.tag_id "
                      "WHERE s.community_id = $1 AND s.member_id = $2 ORDER BY t.tag_id"};
// Both in the order of the fields, each from one range: a join would look up every field of the community.
Statement const kFields{"users.fields",
                        "SELECT field_id, field_key, type, default_number, default_text FROM fields "
                        "WHERE community_id = $1 AND deleted_at IS NULL ORDER BY field_id"};
Statement const kValues{"users.values",
                        "SELECT field_id, number, text FROM field_values WHERE community_id = $1 AND member_id = $2 ORDER BY field_id"};
// Entries of one balance are a chain, newest first, and their numbers rise with time. PostgreSQL walks it in one round trip; SQLite
// looks a link up in a tenth of the time that it takes to begin a recursion.
Statement const kLink{"users.earned_link",
                      "SELECT class, amount, previous_id FROM ledger_entries WHERE community_id = $1 AND entry_id = $2"};
Statement const kEarned{"users.earned",
                        "WITH RECURSIVE chain (currency_id, class, amount, previous_id) AS ("
                        "SELECT b.currency_id, e.class, e.amount, e.previous_id FROM balances b CROSS JOIN ledger_entries e "
                        "WHERE b.community_id = $1 AND b.member_id = $2 AND b.currency_id <= 2 AND b.entry_id >= $3 "
                        "AND e.community_id = $1 AND e.entry_id = b.entry_id "
                        "UNION ALL SELECT c.currency_id, e.class, e.amount, e.previous_id FROM chain c CROSS JOIN ledger_entries e "
                        "WHERE c.previous_id >= $3 AND e.community_id = $1 AND e.entry_id = c.previous_id) "
                        "SELECT currency_id, class, CAST(sum(amount) AS BIGINT) FROM chain GROUP BY currency_id, class"};
Statement const kZone{"communities.time_zone", "SELECT time_zone FROM communities WHERE community_id = $1"};

}  // namespace

void load_user_later(sql::Tx& tx, CommunityNo community, MemberNo member, std::optional<UserRow>& out) {
  tx.each_later(
      kUser,
      [&out](Row const& r) {
        out = UserRow{static_cast<MembershipState>(r.integer(0)),
                      r.optional_integer(1),
                      r.optional_string(2),
                      r.optional_string(3),
                      r.optional_string(4),
                      r.optional_string(5),
                      r.optional_string(6),
                      r.optional_string(7),
                      r.optional_string(8),
                      r.integer(9),
                      r.optional_integer(10),
                      r.integer(11),
                      r.optional_integer(12),
                      r.string(13),
                      r.string(14)};
      },
      community, member);
}

void load_user_balances_later(sql::Tx& tx, CommunityNo community, MemberNo member, UserBalances& out) {
  tx.each_later(
      kBalances,
      [&out](Row const& r) {
        auto const c = static_cast<std::size_t>(r.integer(0));
        out.amount[c] = {r.integer(1)};
        out.newest[c] = {r.integer(2)};
      },
      community, member);
}

void load_user_roles_later(sql::Tx& tx, CommunityNo community, MemberNo member, std::vector<std::string>& out) {
  tx.each_later(
      kRoles,
      [&out](Row const& r) {
        if (r.text(0) != "@all") out.push_back(r.string(0));
      },
      community, member);
}

void load_user_tags_later(sql::Tx& tx, CommunityNo community, MemberNo member, std::vector<std::string>& out) {
  tx.each_later(kTags, [&out](Row const& r) { out.push_back(r.string(0)); }, community, member);
}

void load_user_fields_later(sql::Tx& tx, CommunityNo community, MemberNo member, std::string& json) {
  struct Own {
    std::int64_t field = 0;
    std::optional<std::int64_t> number;
    std::optional<std::string> text;
  };
  auto const values = std::make_shared<std::vector<Own>>();
  tx.each_later(
      kValues,
      [values](Row const& r) {
        if (!r.is_null(1) || !r.is_null(2)) values->push_back({r.integer(0), r.optional_integer(1), r.optional_string(2)});
      },
      community, member);
  tx.each_later(
      kFields,
      [values, at = std::size_t{0}, &json](Row const& r) mutable {
        if (!json.empty()) json += ',';
        api::write_json_string(json, r.text(1));
        json += ':';
        while (at < values->size() && (*values)[at].field < r.integer(0)) ++at;
        bool const own = at < values->size() && (*values)[at].field == r.integer(0);
        auto const number = own ? (*values)[at].number : r.optional_integer(3);
        if (number) {
          if (r.text(2) == to_string(FieldType::boolean))
            json += *number != 0 ? "true" : "false";
          else
            Decimal{*number}.append_to(json);
        } else if (own) {
          api::write_json_string(json, *(*values)[at].text);
        } else if (!r.is_null(4)) {
          api::write_json_string(json, r.text(4));
        } else {
          json += "null";
        }
      },
      community);
}

EarnedSince earned_since(sql::Tx& tx, CommunityNo community, MemberNo member, UserBalances const& balances, EntryNo from,
                         std::function<void()> const& on_much) {
  constexpr int kFewLinks = 100;
  EarnedSince out{};
  auto const add = [&out](std::size_t currency, std::int64_t entry_class, std::int64_t amount) {
    if (ledger::counts_as_earned(static_cast<ledger::EntryClass>(entry_class))) out.amount[currency].micros += amount;
  };
  if (tx.engine() == sql::Engine::postgres) {
    tx.each(
        kEarned, [&](Row const& r) { add(static_cast<std::size_t>(r.integer(0)), r.integer(1), r.integer(2)); }, community, member, from);
    return out;
  }
  int links = 0;
  for (auto const currency : {static_cast<std::size_t>(ledger::kXp.value), static_cast<std::size_t>(ledger::kCoins.value)})
    for (EntryNo at = balances.newest[currency]; at && at >= from;) {
      if (++links == kFewLinks) on_much();
      EntryNo previous;
      tx.each(
          kLink,
          [&](Row const& r) {
            add(currency, r.integer(0), r.integer(1));
            previous = {r.integer(2)};
          },
          community, at);
      at = previous;
    }
  return out;
}

std::string community_zone(sql::Tx& tx, CommunityNo community) {
  return tx.one(kZone, [](Row const& r) { return r.string(0); }, community).value_or("UTC");
}

}  // namespace fealty::members
