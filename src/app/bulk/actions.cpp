#include "app/bulk/actions.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "api/json_writer.h"
#include "app/bulk/download.h"
#include "app/bulk/job_view.h"
#include "app/bulk/remote.h"
#include "app/bulk/reporter.h"
#include "app/bulk/upload_body.h"
#include "app/settings.h"
#include "base/random.h"
#include "base/text.h"

namespace fealty::app::bulk {

// What every action works with.
struct Session {
  Interrupt const& interrupt;
  Reporter& reporter;
  Remote& remote;
  std::string same;          // what further commands need to reach the same server
  std::string on_interrupt;  // said when a signal ends the command
};

namespace {

constexpr int kFirstPollMs = 100, kLongestPollMs = 1'000;
constexpr int kShownFailures = 10;
constexpr std::int64_t kListPageMax = 100;
constexpr std::size_t kIdempotencyKeyCharacters = 32;  // 190 bits

std::string command(Session const& s, std::string const& words) { return "fealty bulk " + words + s.same; }

JobView fetch(Session& s, std::string const& id) {
  api::JsonTree tree;
  parse_answer(s.remote.get(job_path(id, "status")), tree);
  return read_job(data_of(tree, "job"));
}

// The first refused rows with their reasons. They help to understand, so that they may be missing.
std::string failures_text(Session& s, JobView const& job) try {
  api::JsonTree tree;
  parse_answer(s.remote.get(job_path(job.id, "details") + "?status=failed&limit=" + std::to_string(kShownFailures)), tree);
  auto const rows = data_of(tree, "rows").find("rows");
  if (!rows || rows->kind() != api::JsonKind::array) return {};
  std::string out;
  for (api::JsonValue const row : *rows) {
    std::string const place = "  row " + with_commas(integer_of(row, "row")) + ", " + printable(text_of(row, "key")) + ": ";
    auto const errors = row.find("errors");
    if (!errors || errors->kind() != api::JsonKind::array) continue;
    for (api::JsonValue const error : *errors)
      out += place + printable(text_of(error, "message")) + " (" + printable(text_of(error, "code")) + ")\n";
  }
  if (auto const shown = static_cast<std::int64_t>(rows->size()); job.failed > shown && shown > 0)
    out += "  … and " + with_commas(job.failed - shown) + " more\n";
  return out;
} catch (CommandError const&) {
  return {};
}

std::string advice_text(Session const& s, JobView const& job) {
  std::string out;
  if (job.failed > 0 || job.not_processed > 0)
    out += "These rows as a file, to correct and upload again: " +
           command(s, "results " + job.id + " --status failed,not_processed --output rows.csv") + "\n";
  bool const applied = job.success > job.unchanged && !job.dry_run && !job.is_reversal();
  if ((job.status == "failed" || job.status == "cancelled") && applied)
    out += "What was applied stays; to take it back: " + command(s, "revert " + job.id + " --reason TEXT") + "\n";
  return out;
}

// Quiet commands speak up only when something is not as it should be: cron sends what they say by mail.
Exit report_end(Session& s, Arguments const& a, JobView const& job) {
  s.reporter.clear();
  Exit const exit = job.exit();
  if (a.json) {
    std::cout << job.json << "\n";
  } else if (!a.quiet || exit != Exit::done) {
    std::string text = summary_text(job);
    if (job.failed > 0) text += failures_text(s, job);
    (a.quiet ? std::cerr : std::cout) << text + advice_text(s, job);
  }
  return exit;
}

Exit watch_job(Session& s, Arguments const& a, std::string const& id) {
  s.on_interrupt = "Job " + id + " goes on.\nWatch it:  " + command(s, "watch " + id) + "\nCancel it: " + command(s, "cancel " + id);
  for (int wait_ms = kFirstPollMs;; wait_ms = std::min(wait_ms * 3 / 2, kLongestPollMs)) {
    JobView const job = fetch(s, id);
    s.reporter.job(job);
    if (job.has_ended()) return report_end(s, a, job);
    if (s.interrupt.wait_ms(wait_ms)) throw Interrupted();
  }
}

FormFields fields_of(Arguments const& a) {
  FormFields fields;
  if (!a.log_name.empty()) fields.emplace_back("log_name", a.log_name);
  if (a.dry_run) fields.emplace_back("dry_run", "true");
  if (a.stop_on_error) fields.emplace_back("stop_on_error", "true");
  if (a.max_errors) fields.emplace_back("max_errors", std::to_string(*a.max_errors));
  return fields;
}

ClientAnswer send_file(Session& s, Arguments const& a, InputFile& file, std::string const& key) {
  FormFields const fields = fields_of(a);
  bool gone = false;
  auto attempt = [&](ApiClient& client) -> std::optional<ClientAnswer> {
    gone = !file.rewind();
    if (gone) return std::nullopt;
    UploadBody body(file, fields, a.gzip);
    ClientRequest request{.method = "POST",
                          .path = upload_path(a.kind),
                          .headers = {{"Content-Type", body.content_type()}, {"Idempotency-Key", key}},
                          .read_body = [&](std::span<char> into) {
                            s.reporter.transfer("uploading", file.given(), file.bytes().value_or(0));
                            return body.read(into);
                          }};
    if (a.gzip)
      request.headers.emplace_back("Content-Encoding", "gzip");
    else
      request.body_bytes = body.bytes();
    return client.send(request);
  };
  try {
    return s.remote.run(attempt, false);
  } catch (CommandError const& e) {
    if (e.exit() != Exit::not_reached && !gone) throw;
    // Nobody can tell from here whether the server had all of it before the connection broke.
    throw CommandError(e.exit(), std::string(e.what()) + (gone ? "\nStandard input cannot be sent a second time." : "") +
                                     "\nThe job may be queued all the same; look: " + command(s, "list") +
                                     "\nRepeated with --idempotency-key " + key + " the same upload is made once, within 24 hours.");
  }
}

std::string cell(std::string text, std::size_t width, bool right) {
  std::size_t const length = code_points(text);
  if (length >= width) return text;
  return right ? std::string(width - length, ' ') + text : text + std::string(width - length, ' ');
}

void print_table(std::vector<std::vector<std::string>> const& rows, std::vector<bool> const& right) {
  std::vector<std::size_t> widths(right.size());
  for (auto const& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], code_points(row[i]));
  for (auto const& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += (i == 0 ? "" : "  ") + cell(row[i], widths[i], right[i]);
    while (line.ends_with(' ')) line.pop_back();
    std::cout << line << "\n";
  }
}

std::string short_type(std::string const& type) {
  return type == "bulk_update" ? "update" : type == "bulk_update_premium_currency" ? "premium" : type == "bulk_import" ? "import" : type;
}
// The three kinds may be named as --kind names them.
std::string long_type(std::string const& type) {
  return type == "update" ? "bulk_update" : type == "premium" ? "bulk_update_premium_currency" : type == "import" ? "bulk_import" : type;
}

}  // namespace

Exit upload(Session& s, Arguments const& a) {
  s.on_interrupt = "The upload was broken off. The server keeps nothing of an upload that did not end.";
  InputFile file(a.file, s.interrupt);
  std::string const key = a.idempotency_key.empty() ? random_base62(kIdempotencyKeyCharacters) : a.idempotency_key;
  s.on_interrupt += "\nIf it had ended already, the job is there: " + command(s, "list");
  auto const answer = send_file(s, a, file, key);
  api::JsonTree tree;
  parse_answer(answer, tree);
  auto const data = data_of(tree, "job");
  std::string const id = text_of(data, "id");
  if (auto const problem = problem_of_id(id); !problem.empty())
    throw CommandError(Exit::not_reached, "The server's answer holds no job's id.");
  s.reporter.clear();
  std::int64_t const rows = integer_of(data, "rows");
  std::string const queued = "Job " + id + " is queued: " + with_commas(rows) + (rows == 1 ? " row" : " rows") +
                             (a.dry_run ? ", a dry run that writes nothing." : ".");
  if (auto const same = text_of(data, "duplicate_of"); !same.empty())
    s.reporter.note("The same file was uploaded with the same options in the last 24 hours, as job " + printable(same) +
                    ". If that was not meant: " + command(s, "cancel " + id));
  if (!a.no_wait) {
    s.reporter.note(queued);
    return watch_job(s, a, id);
  }
  std::string json;
  if (a.json) data.write(json);
  std::cout << (a.json ? json : a.quiet ? id : queued + "\nWatch it: " + command(s, "watch " + id)) << "\n";
  return Exit::done;
}

Exit watch(Session& s, Arguments const& a) { return watch_job(s, a, a.id); }

Exit show_status(Session& s, Arguments const& a) {
  JobView const job = fetch(s, a.id);
  std::cout << (a.json ? job.json + "\n" : status_text(job));
  return Exit::done;
}

Exit list(Session& s, Arguments const& a) {
  std::string filter;
  if (!a.status.empty()) filter += "&status=" + encode_query(a.status);
  if (!a.type.empty()) filter += "&type=" + encode_query(long_type(a.type));
  if (!a.log_name.empty()) filter += "&log_name=" + encode_query(a.log_name);
  std::string json, cursor;
  std::vector<std::vector<std::string>> table{{"JOB", "STATE", "TYPE", "ROWS", "DONE", "FAILED", "UPLOADED (UTC)", "LOG NAME"}};
  for (std::int64_t left = a.limit; left > 0;) {
    api::JsonTree tree;
    parse_answer(s.remote.get("/v1/users/bulk-update?limit=" + std::to_string(std::min(left, kListPageMax)) + filter +
                              (cursor.empty() ? "" : "&cursor=" + encode_query(cursor))),
                 tree);
    auto const jobs = data_of(tree, "list of jobs");
    for (api::JsonValue const item : jobs) {
      if (left-- == 0) break;
      json += json.empty() ? "" : ",";
      item.write(json);
      std::string uploaded = text_of(item, "createdAt");
      if (uploaded.size() > 19) (uploaded.resize(19), uploaded[10] = ' ');
      std::vector<std::string> row{text_of(item, "_id"), text_of(item, "status"), short_type(text_of(item, "type"))};
      for (char const* const count : {"total", "processed", "failed"}) row.push_back(with_commas(integer_of(item, count)));
      row.insert(row.end(), {uploaded, text_of(item, "log_name")});
      for (auto& text : row) text = printable(text);
      table.push_back(std::move(row));
    }
    auto const pages = tree.root().find("pagination");
    cursor = pages ? text_of(*pages, "nextCursor") : "";
    if (cursor.empty()) break;
  }
  if (a.json)
    std::cout << "[" << json << "]\n";
  else if (table.size() == 1)
    std::cout << "There is no such job.\n";
  else
    print_table(table, {false, false, false, true, true, true, false, false});
  return Exit::done;
}

Exit cancel(Session& s, Arguments const& a) {
  api::JsonTree tree;
  parse_answer(s.remote.post(job_path(a.id, "cancel"), ""), tree);
  JobView const job = read_job(data_of(tree, "job"));
  if (a.json)
    std::cout << job.json << "\n";
  else if (!a.quiet)
    std::cout << (job.has_ended() ? outcome_line(job)
                                  : "Job " + job.id + " stops at the end of its chunk, in a moment. Rows that were applied stay.")
              << "\n";
  return Exit::done;
}

Exit revert(Session& s, Arguments const& a) {
  api::JsonWriter body;
  body.begin_object().key("reason").string(a.reason).key("dry_run").boolean(a.dry_run).end_object();
  api::JsonTree tree;
  parse_answer(s.remote.post(job_path(a.id, "revert"), body.take()), tree);
  auto const data = data_of(tree, "job");
  std::string const id = text_of(data, "id");
  if (!problem_of_id(id).empty()) throw CommandError(Exit::not_reached, "The server's answer holds no job's id.");
  std::string const queued = "Job " + a.id + " will be reverted by job " + id + (a.dry_run ? ", a dry run that writes nothing." : ".");
  if (!a.no_wait) {
    s.reporter.note(queued);
    return watch_job(s, a, id);
  }
  std::string json;
  if (a.json) data.write(json);
  std::cout << (a.json ? json : a.quiet ? id : queued + "\nWatch it: " + command(s, "watch " + id)) << "\n";
  return Exit::done;
}

Exit save_results(Session& s, Arguments const& a) {
  auto const bytes =
      download(s.remote, s.reporter, job_path(a.id, "results") + (a.status.empty() ? "" : "?status=" + encode_query(a.status)), a.output);
  if (a.output != "-") s.reporter.note(printable(a.output) + ": " + bytes_text(bytes));
  return Exit::done;
}

Exit save_source(Session& s, Arguments const& a) {
  auto const bytes = download(s.remote, s.reporter, job_path(a.id, "source"), a.output);
  if (a.output != "-") s.reporter.note(printable(a.output) + ": " + bytes_text(bytes));
  return Exit::done;
}

Exit erase(Session& s, Arguments const& a) {
  bool uncertain = false;
  auto attempt = [&](ApiClient& client) -> std::optional<ClientAnswer> {
    try {
      auto answer = client.send({.method = "DELETE", .path = job_path(a.id, "files")});
      // The first try was heard after all, only its answer was lost.
      if (uncertain && answer.status == 404 && code_of(answer) == "results_expired") answer = {.status = 200};
      return answer;
    } catch (NotReached const& e) {
      uncertain |= e.kind() == NotReached::Kind::broken;
      throw;
    }
  };
  s.remote.run(attempt, false);
  if (a.json)
    std::cout << "{\"_id\":\"" << a.id << "\",\"erased\":true}\n";
  else if (!a.quiet)
    std::cout << "File and row results of job " << a.id << " are erased; its summary stays.\n";
  return Exit::done;
}

int run(Action action, Arguments const& a, std::vector<std::string> problems) {
  auto const ended = [](Exit exit, std::string const& text) {
    std::cerr << text << (text.ends_with('\n') ? "" : "\n");
    return static_cast<int>(exit);
  };
  // Standard output that nobody reads any more is an error that can be said, and no sudden end.
  std::signal(SIGPIPE, SIG_IGN);
  Interrupt const interrupt;
  Reporter reporter(a.quiet);
  std::string on_interrupt;
  try {
    ClientSettings client;
    try {
      client.server = parse_server_url(a.connection.server);
      if (auto problem = problem_of_connection(a.connection, client.server); !problem.empty()) problems.push_back(std::move(problem));
    } catch (std::invalid_argument const& e) {
      problems.emplace_back(e.what());
    }
    if (!a.connection.ca_file.empty() && ::access(a.connection.ca_file.c_str(), R_OK) != 0)
      problems.push_back("--ca-file " + printable(a.connection.ca_file) + " cannot be read.");
    if (!problems.empty()) return ended(Exit::usage, join(problems, "\n"));
    client.bearer = read_key(a.connection, std::getenv(kApiKeyVariable), interrupt);
    client.ca_file = a.connection.ca_file;
    client.interrupted = [&] { return interrupt.raised(); };
    Remote remote(client, a.connection.timeout_s, interrupt, [&](std::string const& text) { reporter.trouble(text); });
    Session session{interrupt, reporter, remote, same_connection(a.connection), {}};
    Exit exit = Exit::done;
    try {
      exit = action(session, a);
    } catch (Interrupted const&) {
      on_interrupt = session.on_interrupt;
      throw;
    }
    if (!std::cout.flush()) return ended(Exit::usage, "Standard output cannot be written.");
    return static_cast<int>(exit);
  } catch (Interrupted const&) {
    reporter.clear();
    if (!on_interrupt.empty()) std::cerr << on_interrupt << "\n";
    constexpr int kSignalBase = 128;  // as shells count
    return kSignalBase + interrupt.signal_number();
  } catch (Refused const& e) {
    reporter.clear();
    if (a.json && !code_of(e.answer()).empty()) std::cout << e.answer().body << std::endl;
    return ended(e.exit(), e.what());
  } catch (CommandError const& e) {
    reporter.clear();
    return ended(e.exit(), e.what());
  } catch (std::exception const& e) {
    // Status 1 is taken for rows that failed.
    reporter.clear();
    return ended(Exit::not_reached, std::string("fealty failed: ") + e.what());
  }
}

}  // namespace fealty::app::bulk
