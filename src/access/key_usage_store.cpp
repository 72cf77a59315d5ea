#include "access/key_usage_store.h"

namespace fealty::access {
namespace {

constexpr auto kInt = sql::Batch::Type::integer;

sql::Statement const kAdd{"key_usage.add",
                          "INSERT INTO key_usage (community_id, key_id, window_start, requests) SELECT r.community_id, r.key_id, "
                          "r.window_start, r.requests FROM {rows r: community_id int, key_id int, window_start int, requests int} "
                          "WHERE true ON CONFLICT (community_id, key_id, window_start) DO UPDATE SET requests = key_usage.requests + "
                          "excluded.requests"};
sql::Statement const kRead{"key_usage.read",
                           "SELECT u.community_id, u.key_id, u.window_start, u.requests FROM {rows r: community_id int, key_id int, "
                           "window_start int, requests int} JOIN key_usage u ON u.community_id = r.community_id AND u.key_id = r.key_id "
                           "AND u.window_start = r.window_start"};
sql::Statement const kOneMore{"key_usage.one_more",
                              "UPDATE key_usage SET requests = requests + 1 WHERE community_id = $1 AND key_id = $2 AND window_start = $3 "
                              "AND requests < $4"};
sql::Statement const kRemove{"key_usage.remove", "DELETE FROM key_usage WHERE window_start < $1"};
sql::Statement const kLastUses{"keys.last_uses",
                               "UPDATE api_keys SET last_used_at = r.used_at FROM {rows r: community_id int, key_id int, used_at int} "
                               "WHERE api_keys.community_id = r.community_id AND api_keys.key_id = r.key_id AND "
                               "(api_keys.last_used_at IS NULL OR api_keys.last_used_at < r.used_at)"};

}  // namespace

void add_usage(sql::Tx& tx, std::vector<KeyUsage>& usage) {
  if (usage.empty()) return;
  sql::Batch batch{kInt, kInt, kInt, kInt};
  for (auto const& u : usage) batch.add(u.community, u.key, u.window, u.requests);
  tx.exec_batch(kAdd, batch);
  tx.each_batch(kRead, batch, [&](sql::Row const& r) {
    for (auto& u : usage)
      if (u.community.value == r.integer(0) && u.key.value == r.integer(1) && u.window == r.integer(2)) u.requests = r.integer(3);
  });
}

bool add_one_below(sql::Tx& tx, KeyUsage const& u, std::int64_t limit) {
  return tx.exec(kOneMore, u.community, u.key, u.window, limit) == 1;
}

void remove_usage(sql::Tx& tx, TimeMs before) { tx.exec(kRemove, before); }

void write_last_uses(sql::Tx& tx, std::vector<KeyUse> const& uses) {
  if (uses.empty()) return;
  sql::Batch batch{kInt, kInt, kInt};
  for (auto const& u : uses) batch.add(u.community, u.key, u.at);
  tx.exec_batch(kLastUses, batch);
}

}  // namespace fealty::access
