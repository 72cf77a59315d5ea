// A job as the server describes it, and a refusal as people read it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/json_tree.h"
#include "app/bulk/arguments.h"

namespace fealty::app::bulk {

// Of the status object. What an older or newer server leaves out stays at its default.
struct JobView {
  std::string id, log_name, type, status;
  std::int64_t total = 0, processed = 0, success = 0, failed = 0, updated = 0, unchanged = 0, created = 0, not_processed = 0, skipped = 0;
  std::optional<std::int64_t> queue_position;
  bool cancel_requested = false, dry_run = false;
  std::string created_at, started_at, finished_at, expires_at;
  std::string error_code, error_message;
  std::string file_name, file_sha256, created_by, revert_of, reverted_by;
  std::int64_t file_bytes = 0, reverted_rows = 0, conflicts = 0;
  std::string json;  // the object as it came

  bool has_ended() const { return status == "completed" || status == "failed" || status == "cancelled" || status == "reverted"; }
  bool is_reversal() const { return type == "revert"; }
  // Of a command that has seen the job end.
  Exit exit() const;
};

JobView read_job(api::JsonValue data);

// "" when there is none, or it is no text.
std::string text_of(api::JsonValue object, std::string_view name);
std::int64_t integer_of(api::JsonValue object, std::string_view name);
// The member `data` of an answer; throws CommandError when the body is not what the contract says.
api::JsonValue data_of(api::JsonTree const& answer, std::string_view what);
// Parses an answer's body; throws CommandError when it is no JSON: something else than Fealty answered.
void parse_answer(ClientAnswer const& answer, api::JsonTree& tree);

// The message, each problem with its place and suggestions, and the request id. Ends with a line feed.
std::string refusal_text(ClientAnswer const& answer);
// `code` of an error body; empty when it is none.
std::string code_of(ClientAnswer const& answer);

// Several lines: what came of a job that has ended, or what it does now.
std::string summary_text(JobView const& job);
std::string status_text(JobView const& job);
// A line, without its end, for jobs that have ended.
std::string outcome_line(JobView const& job);

}  // namespace fealty::app::bulk
