// SQL of signing_keys.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

struct StoredSigningKey {
  std::string name, sealed;
  TimeMs created_at = 0;
  std::optional<TimeMs> retired_at;
};
// The newest first.
std::vector<StoredSigningKey> read_signing_keys(sql::Tx& tx);
// Until the transaction ends no other node makes keys.
void lock_signing_keys(sql::Tx& tx);
void insert_signing_key(sql::Tx& tx, std::string_view name, std::string_view sealed, TimeMs now);
// Retires all others, and removes those that retired before `removed_before`.
void retire_signing_keys(sql::Tx& tx, std::string_view but, TimeMs now, TimeMs removed_before);

}  // namespace fealty::access
