// Internet addresses and networks of them, version 4 and 6 alike: an IPv4 address equals its IPv4-mapped IPv6 form.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fealty {

using IpAddress = std::array<std::uint8_t, 16>;
// "10.0.0.7", "::1"; nothing for all else.
std::optional<IpAddress> parse_ip(std::string_view text);

struct IpNetwork {
  IpAddress address{};
  int bits = 128;

  bool contains(IpAddress const& other) const;
  // An address, or a network such as "10.0.0.0/8"; nothing for all else.
  static std::optional<IpNetwork> parse(std::string_view text);
};

}  // namespace fealty
