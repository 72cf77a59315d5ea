#include "access/idempotency.h"
#include "api/json_writer.h"
#include "base/hash.h"
#include "base/text.h"
#include "jobs/bulk_service.h"
#include "jobs/clean_up.h"
#include "jobs/revert.h"

namespace fealty::jobs {
namespace {

constexpr std::string_view kOperation = "/users/bulk-update/{id}/revert";

std::string fingerprint_of(Job const& original, RevertRequest const& request) {
  Sha256 hash;
  hash.update(kOperation);
  hash.update(original.id().to_string());
  hash.update(request.dry_run ? "1" : "0");
  hash.update(request.reason);
  return hash.finish();
}

// Why this job cannot be reversed now, or nothing.
std::optional<Error> refusal(sql::Tx& tx, Job const& job, TimeMs now) {
  auto no = [](ErrorDef const& def, std::string message) { return std::optional(fail(def, std::move(message)).error()); };
  if (job.is_open()) return no(errors::kJobNotFinished, "This job has not ended (" + job.status + "); cancel it, or wait for its end.");
  if (job.revert_of) return no(errors::kNothingToRevert, "A reversal cannot be reversed; upload the changes again.");
  if (job.dry_run) return no(errors::kNothingToRevert, "A dry run changed nothing.");
  if (job.status == "reverting") return no(errors::kAlreadyReverting, "A reversal of this job is queued or runs already.");
  if (has_expired(job, now)) return results_expired(job).error();
  if (job.counters.updated + job.counters.created == 0) return no(errors::kNothingToRevert, "This job changed nothing.");
  if (job.counters.updated + job.counters.created == job.reverted_rows)
    return no(errors::kNothingToRevert, "Every row of this job was reversed already.");
  if (has_rows_without_places(tx, job.community, job.number))
    return no(errors::kNothingToRevert, "This job was applied by a version that could not reverse; its rows stay.");
  return std::nullopt;
}

}  // namespace

Result<RevertAnswer> BulkService::revert(api::Context& context, PublicId id, RevertRequest const& request,
                                         std::optional<std::string_view> idempotency_key) {
  if (trim_space(request.reason).empty())
    return std::unexpected(api::invalid_request({{"reason", "value_required", "reason is required: say why the job is reversed."}}));
  if (auto issue = idempotency_key ? access::idempotency_key_problem(*idempotency_key) : std::nullopt)
    return std::unexpected(api::invalid_request({*std::move(issue)}));
  CommunityNo const community = context.community;
  std::string_view const caller = context.principal.key_prefix;
  auto result = parts_.database.write([&](sql::Tx& tx) -> Result<RevertAnswer> {
    TimeMs const now = parts_.clock();
    lock_queue(tx, community);
    auto original = lock_job(tx, community, {id.number});
    if (!original || original->id() != id)
      return fail(errors::kJobNotFound, "There is no bulk job " + id.to_string() + " in this community.");
    std::string const fingerprint = fingerprint_of(*original, request);
    if (idempotency_key) {
      if (auto const earlier = access::find_answer(tx, community, caller, *idempotency_key, now)) {
        if (earlier->fingerprint != fingerprint)
          return fail(fealty::errors::kIdempotencyKeyReused,
                      "This Idempotency-Key was used for another request; take a new key for a new one.");
        RevertAnswer replay;
        std::vector<Issue> ignored;
        api::from_json(earlier->answer, replay, ignored);
        return replay;
      }
    }
    if (auto refused = refusal(tx, *original, now)) return std::unexpected(std::move(*refused));
    if (auto const most = parts_.limits.bulk_jobs_waiting_max; count_open_jobs(tx, community) >= most)
      return fail(errors::kTooManyJobs,
                  "This community has " + std::to_string(most) + " jobs waiting, the most that are kept. Wait for some to end.");

    Job job;
    job.community = community;
    job.number = {std::max(parts_.numbers.next(), newest_job_number(tx, community) + 1)};
    job.type = kRevertType;
    job.file_key = kNoFile;
    job.status = "queued";
    job.log_name = original->log_name;
    job.dry_run = request.dry_run;
    job.silent = original->silent;
    job.fingerprint = fingerprint;
    job.dialect = original->dialect;
    job.columns = original->columns;
    job.permissions = context.principal.permissions;
    job.actor = access::actor_of(context.principal);
    job.total = original->counters.updated + original->counters.created - original->reverted_rows;
    job.first = job.next = reversal_start(*original);
    job.revert_of = original->number;
    job.reason = request.reason;
    job.created_at = now;
    if (!job.dry_run) {
      job.source = {parts_.numbers.next()};
      parts_.kind(original->type)
          .create_reversal_source(tx, {job.facts(), original->facts(), 0, {}}, job.log_name, job.reason, job.actor, now);
      original->former_status = std::exchange(original->status, "reverting");
      original->reverted_by = job.number;
      original->updated_at = now;
      update_reversal(tx, *original);
    }
    insert_job(tx, job);
    std::string const reversing = job.id().to_string();
    RevertAnswer out{reversing, id.to_string(), "/v1/users/bulk-update/" + reversing + "/status"};
    if (idempotency_key)
      access::keep_answer(tx, community, caller, *idempotency_key, {std::string(kOperation), fingerprint, api::to_json(out)}, now);
    api::JsonWriter detail;
    detail.begin_object().key("job").string(reversing).key("rows").integer(job.total).key("dry_run").boolean(job.dry_run);
    detail.key("reason").string(job.reason).end_object();
    access::write_audit(tx, community, parts_.numbers.next(),
                        {job.actor, "bulk.revert", id.to_string(), detail.take(), context.remote_address, now});
    return out;
  });
  if (result) on_change_();
  return result;
}

}  // namespace fealty::jobs
