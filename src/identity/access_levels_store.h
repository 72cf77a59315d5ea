// SQL and row mapping of access levels: no rules.
#pragma once
#include "base/id.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::identity {

struct StoredLevel {
  std::int64_t number = 0;
  std::string name;
  std::string roles;  // numbers, joined by commas
};
std::vector<StoredLevel> list_levels(sql::Tx& tx, CommunityNo community);
// Locked until the transaction ends.
std::optional<StoredLevel> lock_level(sql::Tx& tx, CommunityNo community, std::int64_t number);
std::int64_t count_levels(sql::Tx& tx, CommunityNo community);
// False when the number is in use.
bool insert_level(sql::Tx& tx, CommunityNo community, StoredLevel const& level, TimeMs now);
void update_level(sql::Tx& tx, CommunityNo community, StoredLevel const& level);
void delete_level(sql::Tx& tx, CommunityNo community, std::int64_t number);

}  // namespace fealty::identity
