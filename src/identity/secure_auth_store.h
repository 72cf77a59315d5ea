// SQL of secureAuth: what a community set for it.
#pragma once
#include <optional>
#include <string>

#include "base/id.h"
#include "sql/sql.h"

namespace fealty::identity {

struct SecureAuthSettings {
  std::string host;  // empty: none
  bool administrators = false;
};
std::optional<SecureAuthSettings> secure_auth_settings(sql::Tx& tx, CommunityNo community);

}  // namespace fealty::identity
