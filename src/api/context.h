// Who asks, for which community, and with what time and randomness: everything that a service function may depend on.
#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include "api/permission.h"
#include "base/id.h"
#include "base/time.h"

namespace fealty::api {

enum class PrincipalKind : std::uint8_t { guest, community_key, system_key, user_key, user, operator_shell };

// What a signed-in person is in the community of the request, read from storage each time.
enum class CommunityRole : std::uint8_t { none, member, administrator, owner };

struct Principal {
  PrincipalKind kind = PrincipalKind::guest;
  CommunityNo community;  // of a key, or that of the request
  PublicId community_id;
  // Users and user keys. The number is the account's; the scope is the one community that a session sees, 0 for the whole
  // installation (signed in with the account's own password).
  MemberNo account;
  PublicId account_id;
  std::int64_t session = 0;
  CommunityNo scope;
  bool as_member = false;  // no more than an ordinary member's rights, whoever he is
  // The community asks its owners and administrators for a second factor, and this one of them has none.
  bool lacks_second_factor = false;
  CommunityRole role = CommunityRole::none;
  KeyNo key;
  PublicId key_id;
  std::string key_prefix;  // public: shown in logs and as the actor of changes
  std::string name;
  PermissionSet permissions;
  std::vector<std::string> channel_ids;  // user keys: the only channels that it may touch; empty = all of the user's
};

// Thrown by may_take_long() through a handler that runs on an I/O thread: it runs again on a worker, from its beginning.
struct TakesLong {};

struct Context {
  Principal principal;
  CommunityNo community;  // the tenant of this request; every store call takes it
  std::string request_id;
  std::string remote_address;
  TimeMs now = 0;  // one time for the whole request
  std::int64_t deadline_steady_ms = 0;
  bool on_io_thread = false;

  // To be called by quick handlers before anything that is no look-up by keys, and before they have changed anything.
  void may_take_long() const {
    if (on_io_thread) throw TakesLong{};
  }
};

}  // namespace fealty::api
