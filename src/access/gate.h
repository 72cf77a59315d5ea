// Everybody who calls: keys and people. The pipeline's authenticator.
//
// Of a person, session, account, membership and roles are read from storage at each request: what was ended, disabled, banned
// or downgraded on one node is refused by all of them at the next request.
#pragma once
#include "access/authenticator.h"
#include "access/sessions.h"
#include "sql/sql.h"

namespace fealty::access {

namespace errors {
inline constexpr ErrorDef kCommunityRequired{"community_required", 400};
inline constexpr ErrorDef kSuspended{"suspended", 403};
inline constexpr ErrorDef kBanned{"banned", 403};
inline constexpr ErrorDef kSecondFactorSetup{"second_factor_setup_required", 403};
inline constexpr ErrorDef kCrossSite{"cross_site_request", 403};
}  // namespace errors

// What an owner or administrator is told who lacks the second factor that his community asks for.
Error second_factor_missing();

struct StoredSession;

class Gate : public Authenticator {
 public:
  // `keys` knows the credentials that are keys.
  Gate(sql::Database& database, Authenticator& keys, SessionKeys& session_keys)
      : database_(database), keys_(keys), session_keys_(session_keys) {}

  Result<api::Principal> check(api::Request const& request, TimeMs now) override;
  // Keys are; a session's last use is written down now and then.
  bool is_quick(api::Request const& request) const override;
  Result<void> admit(api::Principal& principal, api::Route const& route, api::Request const& request, TimeMs now) override;

 private:
  Result<api::Principal> check_token(std::string_view token, TimeMs now);
  Result<api::Principal> check_cookie(std::string_view refresh_token, TimeMs now);
  Result<api::Principal> check_session(std::optional<StoredSession> const& session, TimeMs now);
  Result<void> admit_user(api::Principal& who, api::Route const& route, api::Request const& request, TimeMs now);

  sql::Database& database_;
  Authenticator& keys_;
  SessionKeys& session_keys_;
};

// 403 `suspended` with the date, or `banned`; nothing when the state refuses nothing. States as in members/members.h.
std::optional<Error> refused_member(int state, std::optional<TimeMs> until, TimeMs now);
// The host of a request without its port, in small letters: the name of a community (communities.host).
std::string host_of(api::Request const& request);
// Whether a browser says that a page of this very host sent the request; a request that only reads may also come from none.
// Other sites can make a browser send requests, but not say this.
bool is_from_own_page(api::Request const& request);
// The value of the session cookie of a request of our own pages: other sites cannot spend it.
std::optional<std::string_view> cookie_credential(api::Request const& request);

}  // namespace fealty::access
