#include "app/static_files.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/hash.h"
#include "base/id.h"
#include "base/text.h"

namespace fealty::app {
namespace {

// Calls visit(item) for the comma-separated items of a header until it returns true.
template <class Visit>
bool any_item(std::string_view list, Visit visit) {
  while (!list.empty()) {
    auto const comma = std::min(list.find(','), list.size());
    if (visit(trim_blanks(list.substr(0, comma)))) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// "gzip" in Accept-Encoding, unless with weight 0. "*" and weights among codings are left alone: without a plain word for gzip
// the plain bytes are right for everybody.
bool takes_gzip(api::Request const& request) {
  auto const header = request.header("accept-encoding");
  return header && any_item(*header, [](std::string_view item) {
           auto const semicolon = std::min(item.find(';'), item.size());
           if (!equals_ignore_ascii_case(trim_blanks(item.substr(0, semicolon)), "gzip")) return false;
           auto weight = trim_blanks(item.substr(std::min(semicolon + 1, item.size())));
           if (weight.size() < 2 || (weight[0] != 'q' && weight[0] != 'Q')) return true;
           weight = trim_blanks(weight.substr(1));
           return weight.find_first_not_of("=0. \t") != std::string_view::npos;
         });
}

// If-None-Match is a list of tags or "*"; it compares weakly, so a W/ in front does not matter.
bool client_has(api::Request const& request, std::string_view tag) {
  auto const header = request.header("if-none-match");
  return header && any_item(*header, [&](std::string_view item) {
           if (item.starts_with("W/")) item.remove_prefix(2);
           return item == "*" || item == tag;
         });
}

// As the assets' own: the first half of SHA-256 in hex.
std::string hash_of(std::string_view bytes) {
  auto const hash = sha256(bytes);
  return to_hex(std::span(reinterpret_cast<unsigned char const*>(hash.data()), 16));
}

}  // namespace

api::Route plain_route(std::string path, std::string id, std::string summary, std::string content_type,
                       std::function<Result<api::Response>(api::Request const&)> answer) {
  return {.method = api::Method::get,
          .path = std::move(path),
          .family = api::Family::plain,
          .needs = api::Needs::nothing(),
          .id = std::move(id),
          .summary = std::move(summary),
          .tag = "Operation",
          .raw_content_type = std::move(content_type),
          .handler = [answer = std::move(answer)](api::Context&, api::Request& request) -> Result<api::Answer> {
            auto response = answer(request);
            if (!response) return std::unexpected(std::move(response.error()));
            return api::Answer{.raw = *std::move(response)};
          }};
}

StaticFile::StaticFile(Asset const& asset) : content_type_(asset.content_type), plain_{asset.plain, "\"" + std::string(asset.hash) + "\""} {
  if (!asset.gzip.empty()) gzip_ = Form{asset.gzip, "\"" + std::string(asset.hash) + "-gzip\""};
}

StaticFile::StaticFile(std::string_view bytes, std::string content_type)
    : content_type_(std::move(content_type)), plain_{bytes, "\"" + hash_of(bytes) + "\""} {}

api::Response StaticFile::answer(api::Request const& request, Delivery const& delivery) const {
  bool const compressed = gzip_ && takes_gzip(request);
  Form const& form = compressed ? *gzip_ : plain_;
  api::Response response{.content_type = content_type_, .body = {}};
  response.headers = {{"etag", form.tag},
                      {"cache-control", std::string(delivery.cache_control)},
                      {"referrer-policy", "no-referrer"},
                      {"content-security-policy", std::string(delivery.policy)}};
  if (gzip_) response.headers.push_back({"vary", "Accept-Encoding"});
  if (client_has(request, form.tag)) {
    response.status = 304;
  } else {
    if (compressed) response.headers.push_back({"content-encoding", "gzip"});
    response.static_body = form.bytes;
  }
  return response;
}

}  // namespace fealty::app
