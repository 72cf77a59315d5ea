// SQL of key_usage, and the last uses of keys.
#pragma once
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

struct KeyUsage {
  CommunityNo community;
  KeyNo key;
  TimeMs window = 0;
  std::int64_t requests = 0;
};
// Adds them up and replaces each number by what all nodes have counted. Sorted by community and key, so that nodes do not wait
// for each other in a circle.
void add_usage(sql::Tx& tx, std::vector<KeyUsage>& usage);
// One more request, if the window has fewer than `limit`.
bool add_one_below(sql::Tx& tx, KeyUsage const& usage, std::int64_t limit);
void remove_usage(sql::Tx& tx, TimeMs before);

struct KeyUse {
  CommunityNo community;
  KeyNo key;
  TimeMs at = 0;
};
void write_last_uses(sql::Tx& tx, std::vector<KeyUse> const& uses);

}  // namespace fealty::access
