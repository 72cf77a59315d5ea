// The fields beside the file of an upload: its options.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/limits.h"

namespace fealty::jobs {

struct UploadOptions {
  std::string log_name;
  bool dry_run = false, silent = true, stop_on_error = false;
  std::optional<std::int64_t> max_errors;
  std::optional<std::string> community_id;
};

// Reads them in whatever order they come; unknown ones are ignored.
class UploadFields {
 public:
  UploadFields(Limits const& limits, bool with_community) : limits_(limits), with_community_(with_community) {}

  static bool is_field(std::string_view name);
  void take(std::string const& name, std::string_view value);
  UploadOptions finish();

  UploadOptions options;
  std::vector<Issue> issues;

 private:
  void wrong(std::string const& field, std::string message);
  void take_log_name(std::string_view value);
  void take_boolean(std::string const& name, std::string_view value, bool& out);
  void take_max_errors(std::string_view value);

  Limits const& limits_;
  bool with_community_;
  std::set<std::string> seen_;
};

}  // namespace fealty::jobs
