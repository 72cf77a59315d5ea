// What the bulk commands are told on the command line, and what is wrong with it.
#pragma once
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "app/api_client.h"
#include "app/bulk/interrupt.h"

namespace fealty::app::bulk {

// Promised in --help and docs/bulk.md. An end by a signal is 128 and its number, as shells count: 130 for Ctrl-C.
enum class Exit : int { done = 0, rows_failed = 1, usage = 2, refused = 3, not_reached = 4, job_failed = 5 };

// Ends a command. The text is for people, whole sentences.
class CommandError : public std::runtime_error {
 public:
  CommandError(Exit exit, std::string const& what) : std::runtime_error(what), exit_(exit) {}
  Exit exit() const { return exit_; }

 private:
  Exit exit_;
};

struct Connection {
  std::string server = "http://127.0.0.1:3333";  // what `fealty serve` listens on by itself
  std::string key_file;                          // empty: the environment; "-": standard input
  std::string ca_file;
  bool plain_http = false;
  int timeout_s = 60;  // how long to go on trying
};

struct Arguments {
  Connection connection;
  bool json = false, quiet = false;
  std::string id;

  // upload
  std::string file, kind, log_name, idempotency_key;
  std::optional<std::int64_t> max_errors;
  bool dry_run = false, stop_on_error = false, gzip = false, no_wait = false;
  // revert, erase
  std::string reason;
  bool yes = false;
  // list, results, source
  std::string status, type, output = "-";
  std::int64_t limit = 20;
};

// Each is one sentence with what to do; empty when all is right.
std::vector<std::string> problems_of_upload(Arguments const& a);
std::vector<std::string> problems_of_revert(Arguments const& a);
std::vector<std::string> problems_of_list(Arguments const& a);
std::vector<std::string> problems_of_results(Arguments const& a);
// "" or the problem. A job's id is 24 hex digits; nothing else gets into a path.
std::string problem_of_id(std::string_view id);
std::string problem_of_connection(Connection const& c, ServerUrl const& server);

// The key of --key-file, else of FEALTY_API_KEY (`from_environment`, null when not set). Throws CommandError with usage: no
// key, a file that others can read, text that cannot be a key. No message repeats any of the key.
std::string read_key(Connection const& c, char const* from_environment, Interrupt const& interrupt);

// Path of the endpoint that takes files of this kind: update, premium or import.
std::string upload_path(std::string_view kind);
// Path of a job, or of one of its parts: job_path(id, "status").
std::string job_path(std::string_view id, std::string_view part);
// Percent-encoded for a query.
std::string encode_query(std::string_view text);
// What someone must add to a command so that it speaks to the same server with the same key: " --server … --key-file …".
std::string same_connection(Connection const& c);
// Without control characters, which could play tricks with a terminal; for text that comes from elsewhere.
std::string printable(std::string_view text);

}  // namespace fealty::app::bulk
