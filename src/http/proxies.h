// Reverse proxies that may say who the client is.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  struct Network {
    std::array<std::uint8_t, 16> address{};  // IPv4 mapped to IPv6
    int bits = 128;
  };
  static std::optional<std::array<std::uint8_t, 16>> parse(std::string_view address);

  std::vector<Network> networks_;
};

}  // namespace fealty::http
