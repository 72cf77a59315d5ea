#include "app/reference_page.h"

#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "app/static_files.h"

namespace fealty::app {
namespace {

// Nothing is loaded from elsewhere, nothing in the page's text runs as a script, nobody may frame it. data: images are the
// viewer's arrows and icons, which its style sheet carries in itself; "try it out" calls this server alone.
//
// Kept by the browser, but asked for each time: after an upgrade no old script meets a new page. An unchanged file costs a 304.
constexpr Delivery kDelivery{
    .policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
    .cache_control = "no-cache"};

}  // namespace

std::vector<api::Route> reference_routes(std::string openapi_json) {
  auto files = std::make_shared<std::unordered_map<std::string_view, StaticFile>>();
  for (auto const& asset : reference_assets()) files->emplace(asset.name, asset);

  // The routes keep the document alive, and its file points into it.
  struct Document {
    explicit Document(std::string json) : text(std::move(json)), file(text, "application/json; charset=utf-8") {}
    std::string text;
    StaticFile file;
  };
  auto document = std::make_shared<Document>(std::move(openapi_json));

  std::vector<api::Route> routes;
  routes.push_back(plain_route("/docs", "reference.page", "The API reference, to be read in a browser", "text/html",
                               [files](api::Request const& request) { return files->at("index.html").answer(request, kDelivery); }));
  routes.push_back(plain_route("/docs/{file}", "reference.file", "A file of the API reference", "application/octet-stream",
                               [files](api::Request const& request) -> Result<api::Response> {
                                 auto const file = files->find(request.path_args.at(0));
                                 if (file == files->end())
                                   return fail(errors::kNotFound, "The API reference has no such file. It is read at /docs.");
                                 return file->second.answer(request, kDelivery);
                               }));
  routes.push_back(plain_route("/openapi.json", "reference.openapi", "This API as an OpenAPI document", "application/json",
                               [document](api::Request const& request) { return document->file.answer(request, kDelivery); }));
  return routes;
}

}  // namespace fealty::app
