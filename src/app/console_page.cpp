#include "app/console_page.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "app/static_files.h"
#include "base/random.h"

namespace fealty::app {
namespace {

// Paths whose page the script finds: a new first segment in web/console/src/routes needs a line here. Segments behind it are free,
// down to the depth that stands here.
constexpr std::string_view kPages[] = {
    "/",
    "/sign-in",
    "/forgot-password",
    "/reset-password",
    "/set-password",
    "/claim",
    "/verify-email",
    "/register",
    "/setup",
    "/me",
    "/me/{a}",
    "/me/{a}/{b}",
    "/c/{community}",
    "/c/{community}/{a}",
    "/c/{community}/{a}/{b}",
    "/c/{community}/{a}/{b}/{c}",
    "/c/{community}/{a}/{b}/{c}/{d}",
};

// Where the page carries the nonce; the script reads it there and gives it to the style elements that it makes.
constexpr std::string_view kNoncePlace = "__NONCE__";
constexpr std::size_t kNonceCharacters = 22;  // 130 bits

// Scripts come from this server's files alone; style elements are the script's own. data: and blob: images are previews of files
// that are about to be sent.
constexpr std::string_view kPolicyBeforeNonce = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-";
constexpr std::string_view kPolicyBehindNonce =
    "'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

// The name of an asset holds the hash of its bytes, so it never changes.
constexpr Delivery kForGood{.policy = "default-src 'none'; frame-ancestors 'none'", .cache_control = "public, max-age=31536000, immutable"};

// The page is small, differs with each answer, and is asked for each time: it names the assets of this version.
struct Page {
  std::string before_nonce, behind_nonce;

  explicit Page(std::string_view html) {
    auto const place = html.find(kNoncePlace);
    if (place == std::string_view::npos) throw std::logic_error("the console's index.html has no place for the nonce");
    before_nonce = html.substr(0, place);
    behind_nonce = html.substr(place + kNoncePlace.size());
  }

  api::Response answer() const {
    std::string const nonce = random_base62(kNonceCharacters);
    api::Response response{.content_type = "text/html; charset=utf-8", .body = before_nonce + nonce + behind_nonce};
    response.headers = {{"cache-control", "no-cache"},
                        {"referrer-policy", "no-referrer"},
                        {"cross-origin-opener-policy", "same-origin"},
                        {"content-security-policy", std::string(kPolicyBeforeNonce) + nonce + std::string(kPolicyBehindNonce)}};
    return response;
  }
};

}  // namespace

std::vector<api::Route> console_routes() {
  auto files = std::make_shared<std::unordered_map<std::string_view, StaticFile>>();
  std::shared_ptr<Page const> page;
  for (auto const& asset : console_assets()) {
    if (asset.name == "index.html")
      page = std::make_shared<Page const>(asset.plain);
    else
      files->emplace(asset.name, asset);
  }
  if (!page) throw std::logic_error("the console has no index.html");

  std::vector<api::Route> routes;
  for (std::string_view const path : kPages)
    routes.push_back(plain_route(std::string(path), "console" + std::string(path), "A page of the console", "text/html",
                                 [page](api::Request const&) { return page->answer(); }));
  routes.push_back(plain_route("/assets/{file}", "console.file", "A file of the console", "application/octet-stream",
                               [files](api::Request const& request) -> Result<api::Response> {
                                 auto const file = files->find(request.path_args.at(0));
                                 if (file == files->end())
                                   return fail(errors::kNotFound, "The console has no such file. After an upgrade, load the page again.");
                                 return file->second.answer(request, kForGood);
                               }));
  return routes;
}

}  // namespace fealty::app
