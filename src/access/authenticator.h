// Who is calling? The pipeline asks this one interface before a handler runs.
#pragma once
#include "api/context.h"
#include "api/http_types.h"
#include "base/error.h"
#include "base/time.h"

namespace fealty::access {

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // The principal of the request's credentials; a guest when it brings none; 401 `unauthorized` when they are wrong,
  // expired or revoked. May read storage (blocks); any thread.
  virtual Result<api::Principal> check(api::Request const& request, TimeMs now) = 0;
};

}  // namespace fealty::access
