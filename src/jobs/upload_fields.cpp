#include "jobs/upload_fields.h"

#include <charconv>

#include "base/text.h"

namespace fealty::jobs {

bool UploadFields::is_field(std::string_view name) {
  return name == "log_name" || name == "dry_run" || name == "max_errors" || name == "stop_on_error" || name == "silent" ||
         name == "communityId";
}

void UploadFields::take(std::string const& name, std::string_view value) {
  if (!is_field(name)) return;
  if (!seen_.insert(name).second) {
    issues.push_back({name, "duplicate_field", "The field " + name + " was sent twice."});
    return;
  }
  if (name == "log_name") return take_log_name(value);
  value = trim_space(value);
  if (name == "dry_run")
    take_boolean(name, value, options.dry_run);
  else if (name == "silent")
    take_boolean(name, value, options.silent);
  else if (name == "stop_on_error")
    take_boolean(name, value, options.stop_on_error);
  else if (name == "max_errors")
    take_max_errors(value);
  else if (with_community_ && !value.empty())
    options.community_id = std::string(value);
}

UploadOptions UploadFields::finish() {
  if (options.stop_on_error) options.max_errors = 0;
  return options;
}

void UploadFields::wrong(std::string const& field, std::string message) {
  issues.push_back({field, "invalid_form_field", std::move(message)});
}

void UploadFields::take_log_name(std::string_view value) {
  if (!is_valid_utf8(value) || has_control_characters(value, false)) return wrong("log_name", "log_name must be plain text on one line.");
  options.log_name = to_nfc(value);
  auto const most = static_cast<std::size_t>(limits_.bulk_log_name_characters_max);
  if (code_points(options.log_name) > most)
    wrong("log_name", "log_name takes at most " + std::to_string(most) + " characters, this has " +
                          std::to_string(code_points(options.log_name)) + ".");
}

void UploadFields::take_boolean(std::string const& name, std::string_view value, bool& out) {
  if (value.empty()) return;
  if (value == "true" || value == "1")
    out = true;
  else if (value == "false" || value == "0")
    out = false;
  else
    wrong(name, name + " must be true, false, 1 or 0.");
}

void UploadFields::take_max_errors(std::string_view value) {
  if (value.empty()) return;
  std::int64_t number = 0;
  auto const [at, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || at != value.data() + value.size() || number < 0 || number > limits_.bulk_max_errors_max)
    return wrong("max_errors", "max_errors must be a whole number from 0 to " + std::to_string(limits_.bulk_max_errors_max) + ".");
  options.max_errors = number;
}

}  // namespace fealty::jobs
