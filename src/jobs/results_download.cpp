// GET …/results: which file, which part of it.
#include <algorithm>
#include <chrono>

#include "api/download.h"
#include "base/hash.h"
#include "jobs/bulk_service.h"
#include "jobs/bulk_store.h"
#include "jobs/clean_up.h"
#include "jobs/keyed_results.h"
#include "jobs/results_body.h"

namespace fealty::jobs {
namespace {

// Changes with what is written for the same job, so that no part of an old file is put beside one of a new file.
constexpr std::string_view kFormat = "1";
constexpr char const* kContentType = "text/csv; charset=utf-8";
// How long a request for a part waits while the file of another one is measured; then it gets the whole.
constexpr std::chrono::seconds kMeasureWait{10};

std::string file_name_of(Job const& job) {
  std::string_view name = job.log_name.empty() ? std::string_view(job.file_name) : std::string_view(job.log_name);
  for (std::string_view const ending : {".csv", ".CSV"})
    if (name.ends_with(ending)) name.remove_suffix(ending.size());
  return (name.empty() ? job.id().to_string() : std::string(name)) + "-results.csv";
}

std::string tag_of(Job const& job, std::vector<ColumnUse> const& uses, unsigned statuses) {
  std::string how(kFormat);
  for (auto const use : uses) (how += use.numeric ? 'n' : 't') += use.multi_line ? 'm' : 's';
  std::string const hash = sha256(how);
  return job.id().to_string() + "-" + std::to_string(job.finished_at.value_or(0)) + "-" + std::to_string(statuses) + "-" +
         to_hex({reinterpret_cast<unsigned char const*>(hash.data()), 8});
}

}  // namespace

Result<api::Response> BulkService::results(api::Context& context, api::Request const& request, PublicId id, ResultsQuery const& query) {
  auto const job = find(context.community, id);
  if (!job) return std::unexpected(job.error());
  std::vector<Issue> issues;
  unsigned const statuses = query.status ? read_statuses(*query.status, issues) : 0;
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
  if (!job->is_final())
    return fail(errors::kJobNotFinished,
                "This job has not ended yet (" + job->status + "); its results can be downloaded when it has. See its status_url.");
  if (has_expired(*job, context.now)) return results_expired(*job);

  if (job->revert_of) {
    try {
      auto const read_page = [parts = &parts_, community = job->community, number = job->number,
                              pages = reversal_pages(parts_, *job, statuses)](std::optional<std::int64_t>) {
        auto const now = parts->database.read([&](sql::Tx& tx) { return find_job(tx, community, number); });
        if (!now || has_expired(*now, parts->clock())) throw std::runtime_error("the rows of a job were erased while they were downloaded");
        return pages();
      };
      return api::download(
          request, std::make_shared<KeyedResultsBody>(job->dialect.delimiter, read_page),
          {.file_name = file_name_of(*job), .content_type = kContentType, .etag = tag_of(*job, {}, statuses), .packable = true});
    } catch (MissingFile const&) {
      return fail(errors::kResultsExpired, "The job that was reversed is forgotten, and with it the list of the rows.");
    }
  }

  auto const uses = parts_.database.read([&](sql::Tx& tx) { return parts_.kind(job->type).column_uses(tx, job->facts()); });
  std::string const tag = tag_of(*job, uses, statuses);
  auto const make = [&] { return std::make_shared<ResultsBody>(parts_, *job, uses, statuses, tag, results_memory_); };
  try {
    auto body = make();
    if (request.header("range") && request.method == api::Method::get && !body->length()) {
      // What part that is, is known when the length is.
      if (std::unique_lock const turn(results_memory_->measuring, kMeasureWait); turn) {
        if (!results_memory_->find(tag)) {
          std::string piece;
          while (body->next(piece).then != api::BodyStream::Then::end) piece.clear();
        }
        body = make();
      }
    }
    auto response =
        api::download(request, body, {.file_name = file_name_of(*job), .content_type = kContentType, .etag = tag, .packable = true});
    for (auto& header : response.headers)
      if (header.name == "Accept-Ranges") header.value = "bytes";
    return response;
  } catch (MissingFile const&) {
    return fail(errors::kResultsExpired, "The file of this job is gone, and with it the list of its rows; its summary remains.");
  }
}

}  // namespace fealty::jobs
