// Reverse proxies that may say who the client is.
#pragma once
#include <string>
#include <string_view>
#include <vector>
#include "base/networks.h"

namespace fealty::http {

class TrustedProxies {
 public:
  // Addresses ("10.0.0.7", "::1") and networks ("10.0.0.0/8"); throws std::invalid_argument that names the bad one.
  explicit TrustedProxies(std::vector<std::string> const& networks);

  bool trusts(std::string_view address) const;
  // The client behind `peer`, read from X-Forwarded-For: the right-most address that is no trusted proxy, since only what
  // trusted proxies appended can be believed. The peer itself when it is not trusted or what it says is no address.
  std::string client_of(std::string_view peer, std::string_view forwarded_for) const;

 private:
  std::vector<IpNetwork> networks_;
};

}  // namespace fealty::http
