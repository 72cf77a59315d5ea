// Files that are part of the program. cmake/embed_assets.cmake writes the source.
#pragma once
#include <span>
#include <string_view>

namespace fealty::app {

struct Asset {
  std::string_view name;  // "swagger-ui.css"
  std::string_view content_type;
  std::string_view hash;         // 32 hex digits of the plain bytes' SHA-256
  std::string_view plain, gzip;  // the same file twice; both live as long as the program
};

std::span<Asset const> assets();

}  // namespace fealty::app
