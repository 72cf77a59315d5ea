#include "jobs/bulk_service.h"

#include <charconv>

#include "access/written_once.h"
#include "api/csv_cell.h"
#include "api/csv_writer.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "jobs/bulk_store.h"
#include "jobs/clean_up.h"
#include "jobs/results_body.h"
#include "jobs/revert.h"

namespace fealty::jobs {
namespace {

constexpr std::string_view kStatuses[] = {"queued", "processing", "completed", "failed", "cancelled", "reverting", "reverted"};
constexpr std::int64_t kFilteredPagesMax = 1'000;

std::optional<std::string> iso(std::optional<TimeMs> time) { return time ? std::optional(to_iso(*time)) : std::nullopt; }

JobSummary summary_of(Job const& j) {
  return {j.id().to_string(),
          j.log_name,
          j.type,
          j.status,
          j.total,
          j.counters.processed(),
          j.counters.success(),
          j.counters.failed,
          to_iso(j.created_at),
          to_iso(j.updated_at),
          j.dry_run,
          j.file_name};
}

// ISO time or a plain day; of a day `to` means its end.
std::optional<TimeMs> read_time(std::string_view text, bool end_of_day) {
  if (auto const day = parse_day(text)) return *day + (end_of_day ? 86'399'999 : 0);
  return parse_iso(text);
}

template <class List>
bool is_one_of(List const& list, std::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

unsigned bit(RowStatus s) { return 1u << static_cast<int>(s); }

}  // namespace

BulkService::BulkService(BulkParts parts, std::function<void()> on_change)
    : parts_(std::move(parts)), on_change_(std::move(on_change)), results_memory_(std::make_shared<ResultsMemory>()) {}

unsigned read_statuses(std::string_view text, std::vector<Issue>& issues) {
  unsigned statuses = 0;
  for (auto const part : split(text, ',')) {
    auto const word = trim_blanks(part);
    unsigned named = word == "success" ? bit(RowStatus::updated) | bit(RowStatus::unchanged) | bit(RowStatus::created) : 0;
    for (auto const s : {RowStatus::updated, RowStatus::unchanged, RowStatus::created, RowStatus::failed, RowStatus::not_processed})
      if (to_string(s) == word) named = bit(s);
    if (named == 0)
      issues.push_back(
          {"status", "not_an_option", "status takes updated, unchanged, created, failed, not_processed and success, comma-separated."});
    statuses |= named;
  }
  return statuses;
}

Result<Job> BulkService::find(CommunityNo community, PublicId id) {
  auto job = parts_.database.read([&](sql::Tx& tx) { return find_job(tx, community, {id.number}); });
  if (!job || job->id() != id) return fail(errors::kJobNotFound, "There is no bulk job " + id.to_string() + " in this community.");
  return std::move(*job);
}

Result<JobStatus> BulkService::status_of(sql::Tx& tx, Job const& j) const {
  JobStatus s;
  s._id = j.id().to_string();
  s.log_name = j.log_name;
  s.type = j.type;
  s.status = j.status;
  s.total = j.total;
  s.processed = j.counters.processed();
  s.success = j.counters.success();
  s.failed = j.counters.failed;
  s.updated = j.counters.updated;
  s.unchanged = j.counters.unchanged;
  s.created = j.counters.created;
  s.not_processed = j.is_final() ? j.total - s.processed : 0;
  s.skipped = j.counters.skipped;
  s.progress = {j.total == 0 ? Decimal::kScale : s.processed * Decimal::kScale / j.total};
  if (j.status == "queued") s.queue_position = queue_position(tx, j.community, j.number);
  s.cancel_requested = j.cancel_requested && !j.is_final();
  s.dry_run = j.dry_run;
  s.max_errors = j.max_errors;
  s.silent = j.silent;
  s.createdAt = to_iso(j.created_at);
  s.startedAt = iso(j.started_at);
  s.updatedAt = to_iso(j.updated_at);
  s.finishedAt = iso(j.finished_at);
  s.expiresAt = iso(j.expires_at);
  if (!j.error_code.empty()) s.error = JobError{j.error_code, j.error_message};
  s.file = {j.file_name, j.file_size, to_hex({reinterpret_cast<unsigned char const*>(j.file_sha256.data()), j.file_sha256.size()}),
            std::string(1, j.dialect.delimiter)};
  s.created_by = {j.actor.type, j.actor.id, j.actor.name};
  auto const id_of = [](std::optional<JobNo> number) {
    return number ? std::optional(PublicId::of(number->value, NumberSource::time_of(number->value)).to_string()) : std::nullopt;
  };
  s.revert_of = id_of(j.revert_of);
  s.reverted_by = id_of(j.reverted_by);
  s.reverted_rows = j.reverted_rows;
  s.conflicts = j.conflicts;
  std::string const url = "/v1/users/bulk-update/" + s._id;
  s.details_url = url + "/details";
  s.results_url = url + "/results";
  s.events_url = url + "/events";
  return s;
}

Result<JobStatus> BulkService::status(api::Context& context, PublicId id) {
  auto const job = find(context.community, id);
  if (!job) return std::unexpected(job.error());
  return parts_.database.read([&](sql::Tx& tx) { return status_of(tx, *job); });
}

Result<api::Listing<JobSummary>> BulkService::list(api::Context& context, JobListQuery const& q) {
  std::vector<Issue> issues;
  ListFilter filter;
  filter.log_name = q.log_name.value_or("");
  filter.name = trim_blanks(q.name.value_or(""));
  filter.status = q.status.value_or("");
  filter.type = q.type.value_or("");
  if (q.status && !is_one_of(kStatuses, *q.status))
    issues.push_back(
        {"status", "not_an_option", "status must be queued, processing, completed, failed, cancelled, reverting or reverted."});
  std::vector<std::string> types;
  for (auto const& k : parts_.kinds) types.emplace_back(k->type());
  types.emplace_back(kRevertType);
  if (q.type && !is_one_of(types, *q.type)) issues.push_back({"type", "not_an_option", "type must be " + join(types, ", ") + "."});
  auto take_time = [&](std::optional<std::string> const& text, char const* name, bool end_of_day, TimeMs& out) {
    if (!text) return;
    if (auto const time = read_time(*text, end_of_day))
      out = *time;
    else
      issues.push_back({name, "not_a_date", std::string(name) + " must be a day (YYYY-MM-DD) or an ISO-8601 time with zone."});
  };
  take_time(q.from, "from", false, filter.from);
  take_time(q.to, "to", true, filter.to);
  std::int64_t skip = (q.page - 1) * q.limit;
  if (q.cursor) {
    auto const id = PublicId::parse(*q.cursor);
    if (!id)
      issues.push_back({"cursor", "invalid_cursor", "This cursor is not one that a list gave."});
    else
      filter.before_job = id->number;
    if (q.page != 1) issues.push_back({"cursor", "invalid_cursor", "Give page or cursor, not both."});
    skip = 0;
  }
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
  return parts_.database.read([&](sql::Tx& tx) -> Result<api::Listing<JobSummary>> {
    api::Listing<JobSummary> out;
    ListFilter all = filter;
    all.before_job = 0;
    auto const jobs = list_jobs(tx, context.community, filter, q.limit + 1, skip);
    for (std::size_t i = 0; i < jobs.size() && i < static_cast<std::size_t>(q.limit); ++i) out.items.push_back(summary_of(jobs[i]));
    out.page = api::Page::of(count_jobs(tx, context.community, all), q.page, q.limit);
    if (jobs.size() > static_cast<std::size_t>(q.limit)) out.page.next_cursor = out.items.back()._id;
    return out;
  });
}

Result<api::Answer> BulkService::cancel(api::Context& context, PublicId id, std::optional<access::OnceKey> const& key) {
  auto const cancel_in = [&](sql::Tx& tx) -> Result<JobStatus> {
    auto job = lock_job(tx, context.community, {id.number});
    if (!job || job->id() != id) return fail(errors::kJobNotFound, "There is no bulk job " + id.to_string() + " in this community.");
    if (job->status == "cancelled") return status_of(tx, *job);
    if (job->is_final()) return fail(errors::kJobFinished, "This job has ended already (" + job->status + "); there is nothing to cancel.");
    TimeMs const now = parts_.clock();
    bool const repeated = job->cancel_requested;
    job->updated_at = now;
    job->cancel_requested = true;
    if (job->status == "queued") {
      job->status = "cancelled";
      job->finished_at = now;
      job->expires_at = now + retention_days(tx, job->community) * 86'400'000;
      update_progress(tx, *job);
      end_reversal(tx, *job);
    }
    if (!repeated) {
      request_cancel(tx, job->community, job->number, now);
      access::write_audit(tx, job->community, parts_.numbers.next(),
                          {access::actor_of(context.principal), "bulk.cancel", id.to_string(), "{}", context.remote_address, now});
    }
    return status_of(tx, *job);
  };
  auto result = access::once_as<JobStatus>(200, "Bulk update cancel requested successfully", parts_.database, context, key, cancel_in);
  if (result) on_change_();
  return result;
}

std::vector<std::string> BulkService::open_jobs_of(CommunityNo community, std::string_view actor_id) {
  std::vector<std::string> ids;
  for (auto const job : parts_.database.read([&](sql::Tx& tx) { return jobs::open_jobs_of(tx, community, actor_id); }))
    ids.push_back(PublicId::of(job.value, NumberSource::time_of(job.value)).to_string());
  return ids;
}

Result<std::pair<JobDetails, api::Page>> BulkService::details(api::Context& context, PublicId id, DetailsQuery const& q) {
  auto found = find(context.community, id);
  if (!found) return std::unexpected(found.error());
  Job const& job = *found;
  Counters const& c = job.counters;
  std::vector<Issue> issues;
  unsigned const statuses = q.status ? read_statuses(*q.status, issues) : 0;
  bool const filtered = statuses != 0 || q.key;
  if (filtered && q.page > kFilteredPagesMax && !q.after_row)
    issues.push_back({"page", "page_too_deep", "Filtered lists go to page 1,000; beyond, give after_row with the last row that you have."});
  if (q.after_row && q.page != 1) issues.push_back({"after_row", "invalid_cursor", "Give page or after_row, not both."});
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
  if (has_expired(job, context.now)) return results_expired(job);

  JobDetails out{job.id().to_string(), job.log_name, job.status, job.total, c.success(), c.failed, {}};
  try {
    out.rows = read_row_details(parts_, job, q, statuses);
  } catch (MissingFile const&) {
    return fail(errors::kResultsExpired, "The file of this job is gone, and with it the list of its rows; its summary remains.");
  }
  // What is left of a reversal is the original's business.
  std::int64_t const rest = job.is_final() && !job.revert_of ? job.total - c.processed() : 0;
  std::int64_t total = c.processed() + rest;
  if (statuses != 0) {
    auto part = [&](RowStatus s, std::int64_t n) { return statuses & bit(s) ? n : 0; };
    total = part(RowStatus::updated, c.updated) + part(RowStatus::unchanged, c.unchanged) + part(RowStatus::created, c.created) +
            part(RowStatus::failed, c.failed) + part(RowStatus::not_processed, rest);
  }
  auto page = api::Page::of(total, q.page, q.limit);
  if (q.key) {
    // How many rows name one member is not counted: what is here, and whether there may be more.
    page = api::Page::of((q.page - 1) * q.limit + static_cast<std::int64_t>(out.rows.size()), q.page, q.limit);
    page.has_next = static_cast<std::int64_t>(out.rows.size()) == q.limit;
  } else if (q.after_row) {
    page.has_next = static_cast<std::int64_t>(out.rows.size()) == q.limit;
  }
  return std::pair(std::move(out), page);
}

Result<std::string> BulkService::template_csv(api::Context& context, std::string_view name, bool example) {
  for (auto const& kind : parts_.kinds) {
    if (kind->template_name() != name) continue;
    auto const header = parts_.database.read([&](sql::Tx& tx) { return kind->template_header(tx, context.community); });
    std::string out, scratch;
    api::CsvWriter csv(out, ',', api::CsvWriter::Mark::utf8);
    auto write = [&](std::vector<std::string> const& cells) {
      for (auto const& cell : cells) csv.cell(api::escape_for_export(cell, false, scratch));
      csv.end_row();
    };
    write(header);
    if (example) write(kind->template_example(header));
    return out;
  }
  return fail(errors::kTemplateNotFound, "There are templates named update, premium and import.");
}

void BulkService::remove_orphan_files(std::int64_t idle_ms) { jobs::remove_orphan_files(parts_, idle_ms); }

}  // namespace fealty::jobs
