// Who is calling? The pipeline asks this one interface before a handler runs.
#pragma once
#include "api/context.h"
#include "api/http_types.h"
#include "api/route.h"
#include "base/error.h"
#include "base/time.h"

namespace fealty::access {

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // The principal of the request's credentials; a guest when it brings none; 401 `unauthorized` when they are wrong,
  // expired or revoked. May read storage (blocks); any thread.
  virtual Result<api::Principal> check(api::Request const& request, TimeMs now) = 0;
  // Whether check() and admit() of this request do no more than a few look-ups by keys: then they may run where others wait.
  virtual bool is_quick(api::Request const& request) const {
    static_cast<void>(request);
    return false;
  }
  // Whether the principal may use the route, in the community that the request is about; fills in community and role. Not
  // asked about guests of routes that admit them. This one knows keys, which have one community; it reads no storage.
  virtual Result<void> admit(api::Principal& principal, api::Route const& route, api::Request const& request, TimeMs now);
};

// The {communityId} of the path, as it was written.
std::optional<std::string_view> community_in_path(api::Route const& route, api::Request const& request);
// 401 for a request without a credential, and 403 for a community that is not the caller's.
Error credential_needed(api::Needs const& needs);
Error foreign_community();

}  // namespace fealty::access
