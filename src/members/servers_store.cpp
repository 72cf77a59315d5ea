#include "members/servers_store.h"

#include "base/text.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

#define SERVER_COLUMNS                                                                                              \
  "SELECT c.community_id, c.title, c.description, c.owner_id, c.created_at, c.updated_at, c.version, c.time_zone, " \
  "c.default_language, c.languages, c.is_public FROM communities c "
Statement const kFind{"servers.find", SERVER_COLUMNS "WHERE c.community_id = $1"};
// A suspension that is over is none.
Statement const kOf{"servers.of", SERVER_COLUMNS
                    "WHERE c.owner_id = $1 OR c.community_id IN (SELECT m.community_id FROM memberships m WHERE m.member_id = $1 "
                    "AND (m.state = 0 OR (m.state = 2 AND m.state_until <= $2))) ORDER BY c.community_id"};
#undef SERVER_COLUMNS
Statement const kUpdate{"servers.update",
                        "UPDATE communities SET title = $2, description = $3, time_zone = $4, default_language = $5, languages = $6, "
                        "is_public = $7, updated_at = $8, version = $9 WHERE community_id = $1"};
Statement const kMembers{"servers.members", "SELECT count(*) FROM memberships WHERE community_id = $1 AND state <> 4"};
Statement const kOwned{"servers.owned", "SELECT count(*) FROM communities WHERE owner_id = $1"};
Statement const kCreator{"servers.creator",
                         "SELECT a.state, coalesce(c.is_operator, 0) FROM accounts a LEFT JOIN account_credentials c "
                         "ON c.account_id = a.account_id WHERE a.account_id = $1"};

ServerRow read(Row const& r) {
  ServerRow s;
  s.number = {r.integer(0)};
  s.title = r.string(1);
  s.description = r.string(2);
  s.owner = {r.integer(3)};
  s.created_at = r.integer(4);
  s.updated_at = r.integer(5) != 0 ? r.integer(5) : s.created_at;
  s.version = r.integer(6);
  s.time_zone = r.string(7);
  s.default_language = r.string(8);
  for (auto const code : split(r.text(9), ',')) s.languages.emplace_back(code);
  s.is_public = r.boolean(10);
  return s;
}

}  // namespace

std::optional<ServerRow> find_server(sql::Tx& tx, CommunityNo community) { return tx.one(kFind, read, community); }

std::vector<ServerRow> servers_of(sql::Tx& tx, MemberNo account, TimeMs now) {
  std::vector<ServerRow> all;
  tx.each(kOf, [&](Row const& r) { all.push_back(read(r)); }, account, now);
  return all;
}

void update_server(sql::Tx& tx, ServerRow const& s) {
  tx.exec(kUpdate, s.number, s.title, s.description, s.time_zone, s.default_language, join(s.languages, ","), s.is_public, s.updated_at,
          s.version);
}

std::int64_t count_members(sql::Tx& tx, CommunityNo community) {
  return tx.one(kMembers, [](Row const& r) { return r.integer(0); }, community).value();
}

std::int64_t count_owned(sql::Tx& tx, MemberNo account) {
  return tx.one(kOwned, [](Row const& r) { return r.integer(0); }, account).value();
}

std::optional<Creator> find_creator(sql::Tx& tx, MemberNo account) {
  return tx.one(kCreator, [](Row const& r) { return Creator{r.boolean(1), static_cast<AccountState>(r.integer(0))}; }, account);
}

}  // namespace fealty::members
