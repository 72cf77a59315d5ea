// Signing in by another system's word (identity.md "GET /api/secureAuth"): a server that knows a person asks, with the system
// key, for a link that signs that person in once.
#pragma once
#include <optional>
#include <string>

#include "access/sessions.h"
#include "api/context.h"
#include "api/route.h"
#include "api/schema.h"
#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::identity {

inline constexpr std::int64_t kLoginLinkMs = 120'000;

struct SecureAuthIn {
  std::optional<std::string> action, userId;
  std::optional<std::int64_t> accessLevel;
  std::optional<std::string> email, firstname, lastname, displayname;
};
struct SecureAuthOut {
  bool error = false;
  std::string loginUrl, sessionId;
};
struct LoginQuery {
  std::optional<std::string> token, host;
};

// All functions from any thread.
class SecureAuth {
 public:
  SecureAuth(sql::Database& database, NumberSource& numbers, access::SessionKeys const& session_keys)
      : database_(database), numbers_(numbers), session_keys_(session_keys) {}

  // `issues`: what is wrong with the parameters already.
  Result<SecureAuthOut> ask(api::Context const& context, std::string_view host, SecureAuthIn const& in, std::vector<Issue> issues);
  // A Set-Cookie header for whoever comes first with the link; nothing for all others.
  std::optional<std::string> redeem(api::Context const& context, std::string_view once, LoginQuery const& query, std::string_view device);
  // Whether the link would sign somebody in now; it stays unused.
  bool is_good(api::Context const& context, std::string_view once, LoginQuery const& query);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
  access::SessionKeys const& session_keys_;
};

std::vector<api::Route> secure_auth_routes(SecureAuth& service);

}  // namespace fealty::identity

FEALTY_SCHEMA(fealty::identity::SecureAuthIn,
              field<&fealty::identity::SecureAuthIn::action>("action", "Required; login.", {.max = 100, .example = "\"login\""}),
              field<&fealty::identity::SecureAuthIn::userId>("userId", "Required; the username.", {.max = 200, .example = "\"mia\""}),
              field<&fealty::identity::SecureAuthIn::accessLevel>("accessLevel",
                                                                  "Required; number of an access level. Its roles are given to "
                                                                  "a new member; those of another one stay as they are.",
                                                                  {.min = 0, .max = 1'000'000, .example = "0"}),
              field<&fealty::identity::SecureAuthIn::email>("email", "For a new member.", {.max = 320}),
              field<&fealty::identity::SecureAuthIn::firstname>("firstname", "For a new member.", {.max = 1'000}),
              field<&fealty::identity::SecureAuthIn::lastname>("lastname", "For a new member.", {.max = 1'000}),
              field<&fealty::identity::SecureAuthIn::displayname>("displayname", "For a new member.", {.max = 1'000}))
FEALTY_SCHEMA(fealty::identity::SecureAuthOut, field<&fealty::identity::SecureAuthOut::error>("error", "false."),
              field<&fealty::identity::SecureAuthOut::loginUrl>("loginUrl",
                                                                "Send the person's browser here: works once, within 120 seconds."),
              field<&fealty::identity::SecureAuthOut::sessionId>("sessionId", "A label for logs; no credential."))
FEALTY_SCHEMA(fealty::identity::LoginQuery, field<&fealty::identity::LoginQuery::token>("token", "As in the path."),
              field<&fealty::identity::LoginQuery::host>("host", "The community's host."))
