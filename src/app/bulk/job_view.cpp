#include "app/bulk/job_view.h"

#include <charconv>

#include "app/bulk/progress.h"
#include "base/text.h"
#include "base/time.h"

namespace fealty::app::bulk {
namespace {

bool truth_of(api::JsonValue object, std::string_view name) {
  auto const value = object.find(name);
  return value && value->kind() == api::JsonKind::boolean && value->truth();
}

std::string text_in(api::JsonValue object, std::string_view member, std::string_view name) {
  auto const inner = object.find(member);
  return inner ? text_of(*inner, name) : "";
}

// "2026-04-07 09:00:04 UTC".
std::string time_text(std::string const& iso) {
  auto const time = parse_iso(iso);
  if (!time) return iso;
  std::string const text = to_iso(*time);
  return text.substr(0, 10) + " " + text.substr(11, 8) + " UTC";
}

std::string counts_text(JobView const& job) {
  std::vector<std::string> parts;
  auto const add = [&](std::int64_t count, std::string const& word) {
    if (count != 0) parts.push_back(with_commas(count) + " " + word);
  };
  add(job.created, "created");
  add(job.updated, "updated");
  add(job.unchanged, "unchanged");
  // A server that knows outcomes which this program does not.
  if (job.success > job.created + job.updated + job.unchanged) add(job.success - job.created - job.updated - job.unchanged, "done");
  add(job.failed, "failed");
  add(job.not_processed, "not processed");
  add(job.conflicts, job.conflicts == 1 ? "conflict" : "conflicts");
  return parts.empty() ? "no rows" : join(parts, ", ");
}

std::string duration_of(JobView const& job) {
  auto const from = parse_iso(job.started_at), to = parse_iso(job.finished_at);
  if (!from || !to || *to < *from) return {};
  std::int64_t const ms = *to - *from;
  if (ms >= 10'000) return " in " + duration_text(ms / 1000);
  return " in " + std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
}

// "Coin, column 3, line 7".
std::string place_of(api::JsonValue issue) {
  std::string out = printable(text_of(issue, "field"));
  auto const add = [&](std::string_view member, std::string const& word) {
    auto const value = issue.find(member);
    if (!value || value->kind() != api::JsonKind::number) return;
    out += (out.empty() ? "" : ", ") + word + " " + printable(value->text());
  };
  add("position", "column");
  add("line", "line");
  return out;
}

void append_issues(api::JsonValue body, std::string& out) {
  auto issues = body.find("errors");
  if (!issues || issues->kind() != api::JsonKind::array) return;
  for (api::JsonValue const issue : *issues) {
    std::string const place = place_of(issue);
    out += "  " + (place.empty() ? "" : place + ": ") + printable(text_of(issue, "message")) + "\n";
    std::vector<std::string> suggestions;
    if (auto const list = issue.find("suggestions"); list && list->kind() == api::JsonKind::array)
      for (api::JsonValue const suggestion : *list) suggestions.push_back(printable(suggestion.text()));
    if (!suggestions.empty()) out += "    Suggestions: " + join(suggestions, ", ") + "\n";
  }
  if (truth_of(body, "errors_truncated")) out += "  … and more.\n";
}

}  // namespace

std::string text_of(api::JsonValue object, std::string_view name) {
  auto const value = object.find(name);
  return value && value->kind() == api::JsonKind::string ? std::string(value->text()) : "";
}

std::int64_t integer_of(api::JsonValue object, std::string_view name) {
  auto const value = object.find(name);
  return value && value->kind() == api::JsonKind::number ? api::json_integer(value->text()).value : 0;
}

void parse_answer(ClientAnswer const& answer, api::JsonTree& tree) {
  std::vector<Issue> issues;
  if (!tree.parse(answer.body, issues) || tree.root().kind() != api::JsonKind::object)
    throw CommandError(Exit::not_reached, "The server answered " + std::to_string(answer.status) +
                                              " with something that is no answer of Fealty. Is --server right, or does a proxy answer?");
}

api::JsonValue data_of(api::JsonTree const& answer, std::string_view what) {
  auto const data = answer.root().find("data");
  if (!data || data->is_null()) throw CommandError(Exit::not_reached, "The server's answer holds no " + std::string(what) + ".");
  return *data;
}

JobView read_job(api::JsonValue data) {
  JobView job;
  job.id = text_of(data, "_id");
  job.log_name = text_of(data, "log_name");
  job.type = text_of(data, "type");
  job.status = text_of(data, "status");
  for (auto const& [name, member] :
       std::initializer_list<std::pair<std::string_view, std::int64_t JobView::*>>{{"total", &JobView::total},
                                                                                   {"processed", &JobView::processed},
                                                                                   {"success", &JobView::success},
                                                                                   {"failed", &JobView::failed},
                                                                                   {"updated", &JobView::updated},
                                                                                   {"unchanged", &JobView::unchanged},
                                                                                   {"created", &JobView::created},
                                                                                   {"not_processed", &JobView::not_processed},
                                                                                   {"skipped", &JobView::skipped},
                                                                                   {"reverted_rows", &JobView::reverted_rows},
                                                                                   {"conflicts", &JobView::conflicts}})
    job.*member = integer_of(data, name);
  if (auto const place = data.find("queue_position"); place && place->kind() == api::JsonKind::number)
    job.queue_position = integer_of(data, "queue_position");
  job.cancel_requested = truth_of(data, "cancel_requested");
  job.dry_run = truth_of(data, "dry_run");
  job.created_at = text_of(data, "createdAt");
  job.started_at = text_of(data, "startedAt");
  job.finished_at = text_of(data, "finishedAt");
  job.expires_at = text_of(data, "expiresAt");
  job.error_code = text_in(data, "error", "code");
  job.error_message = text_in(data, "error", "message");
  job.file_name = text_in(data, "file", "name");
  job.file_sha256 = text_in(data, "file", "sha256");
  if (auto const file = data.find("file")) job.file_bytes = integer_of(*file, "size");
  job.created_by = text_in(data, "created_by", "name");
  job.revert_of = text_of(data, "revert_of");
  job.reverted_by = text_of(data, "reverted_by");
  data.write(job.json);
  if (job.status.empty()) throw CommandError(Exit::not_reached, "The server's answer holds no job.");
  return job;
}

Exit JobView::exit() const {
  if (status == "failed" || status == "cancelled") return Exit::job_failed;
  return has_ended() && (failed > 0 || conflicts > 0) ? Exit::rows_failed : Exit::done;
}

std::string code_of(ClientAnswer const& answer) {
  api::JsonTree tree;
  std::vector<Issue> issues;
  if (!tree.parse(answer.body, issues) || tree.root().kind() != api::JsonKind::object) return {};
  return text_of(tree.root(), "code");
}

std::string refusal_text(ClientAnswer const& answer) {
  std::string const status = std::to_string(answer.status);
  if (answer.status >= 300 && answer.status < 400)
    return "The server redirects to " + printable(answer.header("location")) + " (" + status +
           "). Redirects are not followed, so that the key goes nowhere else; if that is the right place, give it as --server.\n";
  api::JsonTree tree;
  std::vector<Issue> issues;
  bool const readable = tree.parse(answer.body, issues) && tree.root().kind() == api::JsonKind::object;
  std::string const message = readable ? text_of(tree.root(), "message") : "";
  std::string out;
  if (message.empty()) {
    out = "The server answered " + status + " with something that is no answer of Fealty. Is --server right, or does a proxy answer?\n";
  } else {
    std::string const code = text_of(tree.root(), "code");
    out = (answer.status >= 500 ? "The server could not do this (" : "The server refused this (") + status +
          (code.empty() ? "" : " " + printable(code)) + "): " + printable(message) + "\n";
    append_issues(tree.root(), out);
  }
  std::string request_id = readable ? text_of(tree.root(), "requestId") : "";
  if (request_id.empty()) request_id = answer.header("x-request-id");
  if (!request_id.empty()) out += "Request id: " + printable(request_id) + "\n";
  return out;
}

std::string outcome_line(JobView const& job) {
  std::string out = (job.is_reversal() ? "Reversing job " : "Job ") + job.id + " " + printable(job.status) + ": " + with_commas(job.total) +
                    (job.total == 1 ? " row" : " rows") + duration_of(job) + ": " + counts_text(job) + ".";
  if (job.dry_run) out += " It was a dry run: nothing was written.";
  return out;
}

std::string summary_text(JobView const& job) {
  std::string out = outcome_line(job) + "\n";
  if (!job.error_code.empty()) out += "Why: " + printable(job.error_message) + " (" + printable(job.error_code) + ")\n";
  return out;
}

std::string status_text(JobView const& job) {
  std::string out;
  auto const add = [&](std::string name, std::string const& value) {
    if (value.empty()) return;
    name.resize(12, ' ');
    out += name + printable(value) + "\n";
  };
  std::string state = job.status;
  if (job.queue_position)
    state += *job.queue_position <= 1 ? ", next in the queue" : ", number " + with_commas(*job.queue_position) + " in the queue";
  if (job.cancel_requested && !job.has_ended()) state += ", stops at the next chunk's end";
  if (job.dry_run) state += " (dry run: writes nothing)";
  add("Job", job.id);
  add("Log name", job.log_name);
  add("Type", job.type);
  add("State", state);
  add("Why", job.error_code.empty() ? "" : job.error_message + " (" + job.error_code + ")");
  std::int64_t const share = job.total == 0 ? 100 : job.processed * 100 / job.total;
  add("Rows", with_commas(job.processed) + " of " + with_commas(job.total) + " (" + std::to_string(share) + " %)");
  add("Outcomes", counts_text(job));
  add("Uploaded", time_text(job.created_at) + (job.created_by.empty() ? "" : " by " + job.created_by));
  add("Started", time_text(job.started_at));
  add("Ended", time_text(job.finished_at));
  add("Kept until", time_text(job.expires_at));
  add("File", job.file_name.empty() && job.file_bytes == 0 ? "" : job.file_name + ", " + bytes_text(job.file_bytes));
  add("SHA-256", job.file_sha256);
  add("Reverts", job.revert_of);
  add("Reverted by", job.reverted_by);
  if (!job.reverted_by.empty()) add("Reverted", with_commas(job.reverted_rows) + " rows, " + with_commas(job.conflicts) + " conflicts");
  return out;
}

}  // namespace fealty::app::bulk
