#include "identity/access_levels_store.h"

namespace fealty::identity {
namespace {

using sql::Row;
using sql::Statement;

Statement const kList{"access_levels.list", "SELECT level, name, roles FROM access_levels WHERE community_id = $1 ORDER BY level"};
Statement const kLock{"access_levels.lock",
                      "SELECT l.level, l.name, l.roles FROM access_levels l WHERE l.community_id = $1 AND l.level = $2 {lock l}"};
Statement const kCount{"access_levels.count", "SELECT count(*) FROM access_levels WHERE community_id = $1"};
Statement const kInsert{"access_levels.insert",
                        "INSERT INTO access_levels (community_id, level, name, roles, created_at) VALUES ($1, $2, $3, $4, $5) "
                        "ON CONFLICT DO NOTHING"};
Statement const kUpdate{"access_levels.update", "UPDATE access_levels SET name = $3, roles = $4 WHERE community_id = $1 AND level = $2"};
Statement const kDelete{"access_levels.delete", "DELETE FROM access_levels WHERE community_id = $1 AND level = $2"};

StoredLevel read(Row const& r) { return {r.integer(0), r.string(1), r.string(2)}; }

}  // namespace

std::vector<StoredLevel> list_levels(sql::Tx& tx, CommunityNo community) {
  std::vector<StoredLevel> all;
  tx.each(kList, [&](Row const& r) { all.push_back(read(r)); }, community);
  return all;
}

std::optional<StoredLevel> lock_level(sql::Tx& tx, CommunityNo community, std::int64_t number) {
  return tx.one(kLock, read, community, number);
}

std::int64_t count_levels(sql::Tx& tx, CommunityNo community) {
  return tx.one(kCount, [](Row const& r) { return r.integer(0); }, community).value_or(0);
}

bool insert_level(sql::Tx& tx, CommunityNo community, StoredLevel const& level, TimeMs now) {
  return tx.exec(kInsert, community, level.number, level.name, level.roles, now) == 1;
}

void update_level(sql::Tx& tx, CommunityNo community, StoredLevel const& level) {
  tx.exec(kUpdate, community, level.number, level.name, level.roles);
}

void delete_level(sql::Tx& tx, CommunityNo community, std::int64_t number) { tx.exec(kDelete, community, number); }

}  // namespace fealty::identity
