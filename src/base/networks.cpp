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

bool is_loopback(std::string_view address) {
  static constexpr std::string_view kNetworks[] = {"127.0.0.0/8", "::1"};
  auto const ip = parse_ip(address);
  return ip && std::any_of(std::begin(kNetworks), std::end(kNetworks),
                           [&](std::string_view network) { return IpNetwork::parse(network)->contains(*ip); });
}

std::string network_of(std::string_view address) {
  constexpr std::size_t kKept4 = 15, kKept6 = 6;  // /24 of the last four bytes, /48
  static constexpr IpAddress kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  auto const ip = parse_ip(address);
  if (!ip) return std::string(address);
  bool const is_four = std::equal(kMapped.begin(), kMapped.begin() + 12, ip->begin());
  std::string out;
  if (is_four) {
    for (std::size_t i = 12; i < kKept4; ++i) (out += std::to_string((*ip)[i])) += '.';
    return out + "0/24";
  }
  for (std::size_t i = 0; i < kKept6; i += 2) {
    char digits[8];
    auto const end = std::to_chars(digits, digits + sizeof digits, (*ip)[i] << 8 | (*ip)[i + 1], 16).ptr;
    out.append(digits, end) += ':';
  }
  return out + ":/48";
}

}  // namespace fealty
