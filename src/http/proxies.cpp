#include "http/proxies.h"
#include "base/text.h"

namespace fealty::http {

TrustedProxies::TrustedProxies(std::vector<std::string> const& networks) {
  for (auto const& text : networks) {
    auto const network = IpNetwork::parse(text);
    if (!network) throw std::invalid_argument("trusted proxy \"" + text + "\" is neither an address nor a network such as 10.0.0.0/8");
    networks_.push_back(*network);
  }
}

bool TrustedProxies::trusts(std::string_view text) const {
  if (networks_.empty()) return false;
  auto const address = parse_ip(text);
  return address && std::any_of(networks_.begin(), networks_.end(), [&](IpNetwork const& n) { return n.contains(*address); });
}

std::string TrustedProxies::client_of(std::string_view peer, std::string_view forwarded_for) const {
  if (!trusts(peer)) return std::string(peer);
  std::string_view client = peer;
  auto hops = split(forwarded_for, ',');
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    std::string_view address = trim_blanks(*hop);
    if (!parse_ip(address)) break;
    client = address;
    if (!trusts(address)) break;
  }
  return std::string(client);
}

}  // namespace fealty::http
