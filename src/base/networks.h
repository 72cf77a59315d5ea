// Internet addresses and networks of them, version 4 and 6 alike: an IPv4 address equals its IPv4-mapped IPv6 form.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fealty {

using IpAddress = std::array<std::uint8_t, 16>;
// "10.0.0.7", "::1"; nothing for all else.
std::optional<IpAddress> parse_ip(std::string_view text);

// The network that an address stands in, "192.0.2.0/24" or "2001:db8::/48": enough to tell providers apart and no person. What is
// no address comes back as it is.
std::string network_of(std::string_view address);
// 127.0.0.0/8 and ::1.
bool is_loopback(std::string_view address);

struct IpNetwork {
  IpAddress address{};
  int bits = 128;

  bool contains(IpAddress const& other) const;
  // An address, or a network such as "10.0.0.0/8"; nothing for all else.
  static std::optional<IpNetwork> parse(std::string_view text);
};

}  // namespace fealty
