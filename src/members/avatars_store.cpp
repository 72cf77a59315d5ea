#include "members/avatars_store.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

Statement const kGet{"memberships.avatar", "SELECT avatar FROM memberships WHERE community_id = $1 AND member_id = $2"};
Statement const kSet{"memberships.set_avatar", "UPDATE memberships SET avatar = $3 WHERE community_id = $1 AND member_id = $2"};
Statement const kInUse{"memberships.avatars_in_use",
                       "SELECT m.avatar FROM {rows r: k text} CROSS JOIN memberships m WHERE m.avatar IS NOT NULL AND m.avatar = r.k"};

}  // namespace

std::optional<std::string> avatar_of(sql::Tx& tx, CommunityNo community, MemberNo member) {
  return tx.one(kGet, [](Row const& r) { return r.optional_string(0); }, community, member).value_or(std::nullopt);
}

void set_avatar(sql::Tx& tx, CommunityNo community, MemberNo member, std::optional<std::string> const& key) {
  tx.exec(kSet, community, member, key);
}

std::vector<std::string> avatars_in_use(sql::Tx& tx, std::vector<std::string> const& keys) {
  sql::Batch batch{sql::Batch::Type::text};
  for (auto const& key : keys) batch.add(key);
  std::vector<std::string> used;
  tx.each_batch(kInUse, batch, [&](Row const& r) { used.push_back(r.string(0)); });
  return used;
}

}  // namespace fealty::members
