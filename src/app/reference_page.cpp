#include "app/reference_page.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "app/assets.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/text.h"

namespace fealty::app {
namespace {

// Nothing is loaded from elsewhere, nothing in the page's text runs as a script, nobody may frame it. data: images are the
// viewer's arrows and icons, which its style sheet carries in itself; "try it out" calls this server alone.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

// Kept by the browser, but asked for each time: after an upgrade no old script meets a new page. An unchanged file costs a 304.
constexpr std::string_view kCacheControl = "no-cache";

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

struct Form {
  std::string_view bytes;
  std::string tag;
};
struct File {
  std::string content_type;
  Form plain;
  std::optional<Form> gzip;
};

File file_of(Asset const& asset) {
  std::string const hash(asset.hash);
  return {.content_type = std::string(asset.content_type),
          .plain = {asset.plain, "\"" + hash + "\""},
          .gzip = Form{asset.gzip, "\"" + hash + "-gzip\""}};
}

api::Answer answer_with(File const& file, api::Request const& request) {
  bool const compressed = file.gzip && takes_gzip(request);
  Form const& form = compressed ? *file.gzip : file.plain;
  api::Response response{.content_type = file.content_type, .body = {}};
  response.headers = {{"etag", form.tag},
                      {"cache-control", std::string(kCacheControl)},
                      {"referrer-policy", "no-referrer"},
                      {"content-security-policy", std::string(kPolicy)}};
  if (file.gzip) response.headers.push_back({"vary", "Accept-Encoding"});
  if (client_has(request, form.tag)) {
    response.status = 304;
  } else {
    if (compressed) response.headers.push_back({"content-encoding", "gzip"});
    response.static_body = form.bytes;
  }
  return {.raw = std::move(response)};
}

api::Route route(std::string path, std::string id, std::string summary, std::string content_type, api::Handler handler) {
  return {.method = api::Method::get,
          .path = std::move(path),
          .family = api::Family::plain,
          .needs = api::Needs::nothing(),
          .id = std::move(id),
          .summary = std::move(summary),
          .tag = "Operation",
          .raw_content_type = std::move(content_type),
          .handler = std::move(handler)};
}

}  // namespace

std::vector<api::Route> reference_routes(std::string openapi_json) {
  auto files = std::make_shared<std::vector<std::pair<std::string_view, File>>>();
  for (auto const& asset : assets()) files->emplace_back(asset.name, file_of(asset));
  auto const page = std::ranges::find(*files, "index.html", &std::pair<std::string_view, File>::first);

  // The routes keep the document alive, and `File` points into it.
  struct Document {
    std::string text;
    File file;
  };
  auto document = std::make_shared<Document>(Document{std::move(openapi_json), {}});
  document->file.content_type = "application/json; charset=utf-8";
  document->file.plain = {document->text, "\"" + hash_of(document->text) + "\""};

  std::vector<api::Route> routes;
  routes.push_back(
      route("/docs", "reference.page", "The API reference, to be read in a browser", "text/html",
            [files, page](api::Context&, api::Request& request) -> Result<api::Answer> { return answer_with(page->second, request); }));
  routes.push_back(route("/docs/{file}", "reference.file", "A file of the API reference", "application/octet-stream",
                         [files](api::Context&, api::Request& request) -> Result<api::Answer> {
                           for (auto const& [name, file] : *files) {
                             if (name == request.path_args.at(0)) return answer_with(file, request);
                           }
                           return fail(errors::kNotFound, "The API reference has no such file. It is read at /docs.");
                         }));
  routes.push_back(
      route("/openapi.json", "reference.openapi", "This API as an OpenAPI document", "application/json",
            [document](api::Context&, api::Request& request) -> Result<api::Answer> { return answer_with(document->file, request); }));
  return routes;
}

}  // namespace fealty::app
