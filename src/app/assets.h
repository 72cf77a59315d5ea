// Files that are part of the program. cmake/embed_assets.cmake writes the source.
#pragma once
#include <span>
#include <string_view>

namespace fealty::app {

struct Asset {
  std::string_view name;  // "swagger-ui.css"
  std::string_view content_type;
  std::string_view hash;         // 32 hex digits of the plain bytes' SHA-256
  std::string_view plain, gzip;  // the same file twice, gzip empty where it would not be smaller; they live as long as the program
};

std::span<Asset const> reference_assets();  // web/reference and its viewer
std::span<Asset const> console_assets();    // web/console as built; names without folders

}  // namespace fealty::app
