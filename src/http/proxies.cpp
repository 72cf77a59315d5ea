#include "http/proxies.h"
#include <arpa/inet.h>
#include "base/text.h"

namespace fealty::http {

std::optional<std::array<std::uint8_t, 16>> TrustedProxies::parse(std::string_view text) {
  std::string address(text);
  std::array<std::uint8_t, 16> out{};
  if (inet_pton(AF_INET6, address.c_str(), out.data()) == 1) return out;
  out = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, address.c_str(), out.data() + 12) == 1) return out;
  return std::nullopt;
}

TrustedProxies::TrustedProxies(std::vector<std::string> const& networks) {
  for (auto const& text : networks) {
    std::string_view whole = text;
    std::size_t slash = std::min(whole.find('/'), whole.size());
    auto address = parse(whole.substr(0, slash));
    bool v4 = whole.substr(0, slash).find(':') == std::string_view::npos;
    int bits = v4 ? 32 : 128;
    if (slash < whole.size()) {
      std::string_view digits = whole.substr(slash + 1);
      int given = -1;
      auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), given);
      if (ec != std::errc{} || end != digits.data() + digits.size() || given < 0 || given > bits) address.reset();
      bits = given;
    }
    if (!address) throw std::invalid_argument("trusted proxy \"" + text + "\" is neither an address nor a network such as 10.0.0.0/8");
    networks_.push_back({*address, v4 ? bits + 96 : bits});
  }
}

bool TrustedProxies::trusts(std::string_view text) const {
  if (networks_.empty()) return false;
  auto address = parse(text);
  if (!address) return false;
  for (auto const& network : networks_) {
    bool same = true;
    for (int bit = 0; bit < network.bits && same; bit += 8) {
      int wanted = std::min(8, network.bits - bit);
      auto mask = static_cast<std::uint8_t>(0xff << (8 - wanted));
      auto at = static_cast<std::size_t>(bit / 8);
      same = ((*address)[at] & mask) == (network.address[at] & mask);
    }
    if (same) return true;
  }
  return false;
}

std::string TrustedProxies::client_of(std::string_view peer, std::string_view forwarded_for) const {
  if (!trusts(peer)) return std::string(peer);
  std::string_view client = peer;
  auto hops = split(forwarded_for, ',');
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    std::string_view address = trim_blanks(*hop);
    if (!parse(address)) break;
    client = address;
    if (!trusts(address)) break;
  }
  return std::string(client);
}

}  // namespace fealty::http
