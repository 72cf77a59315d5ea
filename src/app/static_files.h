// What the program serves as it is: pages and their files, health, the OpenAPI document. No key is needed and no envelope put
// around it.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/route.h"
#include "app/assets.h"

namespace fealty::app {

// A GET route of the family `plain` that is open to everybody. `path_args` are in the request.
api::Route plain_route(std::string path, std::string id, std::string summary, std::string content_type,
                       std::function<Result<api::Response>(api::Request const&)> answer);

// How a browser may keep a file.
struct Delivery {
  std::string_view policy;  // Content-Security-Policy
  std::string_view cache_control;
};

// A file in memory with its entity tags, one for each coding: what is kept under one is never shown as the other.
class StaticFile {
 public:
  // The asset's bytes live as long as the program.
  explicit StaticFile(Asset const& asset);
  // `bytes` must outlive the file.
  StaticFile(std::string_view bytes, std::string content_type);

  // 200, or 304 when If-None-Match names what the browser would get; compressed when Accept-Encoding takes gzip.
  api::Response answer(api::Request const& request, Delivery const& delivery) const;

 private:
  struct Form {
    std::string_view bytes;
    std::string tag;
  };
  std::string content_type_;
  Form plain_;
  std::optional<Form> gzip_;
};

}  // namespace fealty::app
