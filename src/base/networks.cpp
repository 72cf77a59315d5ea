#include "base/networks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace fealty {

std::optional<IpAddress> parse_ip(std::string_view text) {
  std::string const address(text);
  IpAddress out{};
  if (inet_pton(AF_INET6, address.c_str(), out.data()) == 1) return out;
  out = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, address.c_str(), out.data() + 12) == 1) return out;
  return std::nullopt;
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  // inet_pton reads up to a zero byte.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::size_t const slash = std::min(text.find('/'), text.size());
  auto const address = parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  bool const v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  int bits = v4 ? 32 : 128;
  if (slash < text.size()) {
    std::string_view const digits = text.substr(slash + 1);
    int given = -1;
    auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), given);
    if (ec != std::errc{} || end != digits.data() + digits.size() || given < 0 || given > bits) return std::nullopt;
    bits = given;
  }
  return IpNetwork{*address, v4 ? bits + 96 : bits};
}

bool IpNetwork::contains(IpAddress const& other) const {
  for (int bit = 0; bit < bits; bit += 8) {
    int const wanted = std::min(8, bits - bit);
    auto const mask = static_cast<std::uint8_t>(0xff << (8 - wanted));
    auto const at = static_cast<std::size_t>(bit / 8);
    if ((other[at] & mask) != (address[at] & mask)) return false;
  }
  return true;
}

}  // namespace fealty
