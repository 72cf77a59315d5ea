#include "app/bulk/commands.h"

#include <algorithm>
#include <memory>

#include "app/bulk/actions.h"
#include "base/limits.h"

namespace fealty::app::bulk {
namespace {

constexpr char kGroupHelp[] = R"(Connection (each command takes it):
  --server URL, or FEALTY_SERVER     the server; http://127.0.0.1:3333 when nothing is given
  --key-file FILE                    a file that holds the API key, readable by you alone; - reads standard input
  FEALTY_API_KEY                     the key itself, where there is no --key-file. It is never an argument: other users
                                     of the machine can read those in the list of processes.

Exit status:
  0    all rows went well, or the command did what it was asked
  1    the job ended, and rows failed or a reversal met conflicts
  2    the command is wrong, or a file here cannot be read or written
  3    the server refused (4xx)
  4    the server could not be reached in time or failed itself (5xx)
  5    the job failed or was cancelled
  130  Ctrl-C; the job goes on

Examples:
  fealty bulk upload march.csv --kind premium --key-file ~/crm.key
  fealty bulk upload march.csv --kind premium --dry-run
  crm-export | fealty bulk upload - --kind update --log-name "nightly sync" --quiet
  fealty bulk list --status processing
  fealty bulk results 66b0c0ffee0000000000a101 --status failed --output failed.csv
  fealty bulk revert 66b0c0ffee0000000000a101 --reason "wrong month")";

constexpr char kUploadHelp[] = R"(Sends the file, then watches the job to its end. A lost connection, a busy server (429) or one that is
starting anew (503) is tried again; an Idempotency-Key makes sure that the upload is made once all the same.
Standard input is streamed and cannot be sent a second time.

Examples:
  fealty bulk upload march.csv --kind premium --log-name "march top-up"
  fealty bulk upload members.csv --kind import --dry-run --json
  zcat export.csv.gz | fealty bulk upload - --kind update --gzip --max-errors 100
  id=$(fealty bulk upload big.csv --kind update --no-wait --quiet) && fealty bulk watch "$id"

Exit status: see fealty bulk --help)";

constexpr char kWatchHelp[] = R"(Shows a bar on a terminal (NO_COLOR is honoured) and a line every few seconds elsewhere. A server that
restarts meanwhile does no harm: the job goes on, and so does the watching. Ctrl-C ends the watching alone.
Exit status: see fealty bulk --help)";

constexpr char kRevertHelp[] =
    R"(Works through the applied rows from last to first and then watches that job. What somebody has changed since is
left alone and reported as a conflict (exit status 1). --dry-run tells beforehand what would happen.

Example:
  fealty bulk revert 66b0c0ffee0000000000a101 --reason "wrong month" --dry-run)";

constexpr char kResultsHelp[] =
    R"(The file has the columns of the upload and behind them status, error_code, error_message. Corrected, it can be
uploaded again as it is. It is written as FILE.part, for you alone, and renamed when it is complete; a connection
that breaks is taken up again where it broke.

Example:
  fealty bulk results 66b0c0ffee0000000000a101 --status failed,not_processed --output rows.csv)";

using Problems = std::vector<std::string> (*)(Arguments const&);

void add_connection(CLI::App& sub, Connection& c) {
  sub.add_option("--server", c.server, "URL of the server")->envname("FEALTY_SERVER")->capture_default_str();
  sub.add_option("--key-file", c.key_file, "File with the API key, chmod 600; - is standard input; default: FEALTY_API_KEY");
  sub.add_option("--ca-file", c.ca_file, "PEM file with the certificates to trust instead of the system's");
  sub.add_flag("--plain-http", c.plain_http, "Allow http:// to another machine, where others may read the key on its way");
  sub.add_option("--timeout", c.timeout_s, "Seconds to keep trying while the server is out of reach or busy; 0: one try")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
}

// Adds options to one group of commands; each command has arguments of its own, so that defaults may differ.
class Group {
 public:
  Group(CLI::App& group, std::vector<std::function<int()>>& chosen) : group_(group), chosen_(chosen) {}

  std::pair<CLI::App*, std::shared_ptr<Arguments>> add(std::string const& name, std::string const& help, Action action,
                                                       Problems problems = nullptr, int timeout_s = Connection().timeout_s) {
    auto arguments = std::make_shared<Arguments>();
    arguments->connection.timeout_s = timeout_s;
    auto* sub = group_.add_subcommand(name, help);
    sub->callback([arguments, action, problems, name, &chosen = chosen_] {
      chosen.emplace_back([=] {
        auto found = problems != nullptr ? problems(*arguments) : std::vector<std::string>{};
        if (name != "upload" && name != "list")
          if (auto problem = problem_of_id(arguments->id); !problem.empty()) found.insert(found.begin(), std::move(problem));
        return run(action, *arguments, std::move(found));
      });
    });
    return {sub, arguments};
  }

 private:
  CLI::App& group_;
  std::vector<std::function<int()>>& chosen_;
};

void add_id(CLI::App& sub, Arguments& a) { sub.add_option("ID", a.id, "Id of the job")->required(); }
void add_json(CLI::App& sub, Arguments& a, char const* help) { sub.add_flag("--json", a.json, help); }
void add_quiet(CLI::App& sub, Arguments& a) {
  sub.add_flag("--quiet", a.quiet, "Say nothing while all is well: no progress, and no summary unless something failed");
}
void add_no_wait(CLI::App& sub, Arguments& a) {
  sub.add_flag("--no-wait", a.no_wait, "Do not watch the job; with --quiet its id alone is printed");
}

void add_upload(Group& group) {
  auto const [sub, a] = group.add("upload", "Upload a CSV file as a job and watch it to its end", upload, problems_of_upload);
  sub->add_option("FILE", a->file, "CSV file; - is standard input")->required();
  sub->add_option("--kind", a->kind, "update, premium or import")->required();
  sub->add_option("--log-name", a->log_name, "Label of the job, up to 200 characters");
  sub->add_flag("--dry-run", a->dry_run, "Evaluate every row, write nothing");
  sub->add_option("--max-errors", a->max_errors, "Stop at the row that makes failed rows exceed this");
  sub->add_flag("--stop-on-error", a->stop_on_error, "Stop at the first row that fails: --max-errors 0");
  sub->add_option("--idempotency-key", a->idempotency_key, "Makes the same upload once within 24 hours; default: a random one");
  sub->add_flag("--gzip", a->gzip, "Pack the file on its way");
  add_no_wait(*sub, *a);
  add_json(*sub, *a, "Print the job as JSON: at its end, or as queued with --no-wait");
  add_quiet(*sub, *a);
  add_connection(*sub, a->connection);
  sub->footer(kUploadHelp);
}

void add_reading(Group& group) {
  auto const [watching, w] = group.add("watch", "Watch a job to its end", watch);
  add_id(*watching, *w);
  add_json(*watching, *w, "Print the job as JSON at its end");
  add_quiet(*watching, *w);
  add_connection(*watching, w->connection);
  watching->footer(kWatchHelp);

  auto const [showing, s] = group.add("status", "Show a job", show_status, nullptr, 0);
  add_id(*showing, *s);
  add_json(*showing, *s, "Print it as JSON");
  add_connection(*showing, s->connection);

  auto const [listing, l] = group.add("list", "List jobs, newest first", list, problems_of_list, 0);
  listing->add_option("--status", l->status, "Only jobs in this state, such as processing");
  listing->add_option("--type", l->type, "Only update, premium, import or revert");
  listing->add_option("--log-name", l->log_name, "Only jobs with exactly this label");
  listing->add_option("--limit", l->limit, "Jobs to list")->check(CLI::Range(1, 10'000))->capture_default_str();
  add_json(*listing, *l, "Print an array of JSON");
  add_connection(*listing, l->connection);
}

void add_changing(Group& group) {
  auto const [cancelling, c] = group.add("cancel", "Stop a job at a row's border; rows that were applied stay", cancel);
  add_id(*cancelling, *c);
  add_json(*cancelling, *c, "Print the job as JSON");
  add_quiet(*cancelling, *c);
  add_connection(*cancelling, c->connection);

  auto const [reverting, r] = group.add("revert", "Take back what a job has applied", revert, problems_of_revert);
  add_id(*reverting, *r);
  reverting->add_option("--reason", r->reason, "Why, up to 500 characters; it stays with the job")->required();
  reverting->add_flag("--dry-run", r->dry_run, "Tell what would happen, write nothing");
  add_no_wait(*reverting, *r);
  add_json(*reverting, *r, "Print the reversing job as JSON");
  add_quiet(*reverting, *r);
  add_connection(*reverting, r->connection);
  reverting->footer(kRevertHelp);

  auto const [erasing, e] = group.add("erase", "Erase a job's file and row results for good", erase, [](Arguments const& a) {
    std::vector<std::string> out;
    if (!a.yes)
      out.emplace_back(
          "This erases the file and the row results for good, and the job cannot be reverted any more. If that is meant, repeat it with "
          "--yes.");
    return out;
  });
  add_id(*erasing, *e);
  erasing->add_flag("--yes", e->yes, "Yes, erase them");
  add_json(*erasing, *e, "Answer as JSON");
  add_quiet(*erasing, *e);
  add_connection(*erasing, e->connection);
}

void add_downloads(Group& group) {
  auto const [results, r] = group.add("results", "Save the outcome of each row as CSV", save_results, problems_of_results);
  add_id(*results, *r);
  results->add_option("--status", r->status, "Only rows with these outcomes, such as failed,not_processed");
  results->add_option("--output", r->output, "File to write; - is standard output")->capture_default_str();
  add_quiet(*results, *r);
  add_connection(*results, r->connection);
  results->footer(kResultsHelp);

  auto const [source, s] = group.add("source", "Save the file as it was uploaded", save_source, problems_of_results);
  add_id(*source, *s);
  source->add_option("--output", s->output, "File to write; - is standard output")->capture_default_str();
  add_quiet(*source, *s);
  add_connection(*source, s->connection);
}

}  // namespace

void add_commands(CLI::App& app, std::vector<std::function<int()>>& chosen) {
  auto* const parent = app.add_subcommand("bulk", "Upload, watch, cancel and revert bulk jobs on a running server")->require_subcommand(1);
  Group group(*parent, chosen);
  add_upload(group);
  add_reading(group);
  add_changing(group);
  add_downloads(group);
  // After the commands: a footer that stands earlier would be handed down to them.
  parent->footer(kGroupHelp);
}

}  // namespace fealty::app::bulk
