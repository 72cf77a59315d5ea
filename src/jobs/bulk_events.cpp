// A job's progress as server-sent events (text/event-stream of the HTML standard).
//
// Events carry the state of a moment, so whoever missed some of them needs only the newest: nothing is kept for anybody, and
// a stream can be resumed on any node. The id of an event is four times the job's step count, plus the event's rank. The
// steps (rows done, blanks, states left behind) only grow, so ids do too; an id tells exactly what its reader has seen.
#include <charconv>

#include "api/schema.h"
#include "base/log.h"
#include "jobs/bulk_service.h"
#include "jobs/bulk_store.h"

namespace fealty::jobs {

// A job as its followers see it.
struct JobView {
  JobStatus status;
  std::int64_t steps = 0;
  bool ended = false;
};

struct JobProgress {
  std::string _id, status;
  std::int64_t total = 0, processed = 0, success = 0, failed = 0, updated = 0, unchanged = 0, created = 0, not_processed = 0, skipped = 0;
  Decimal progress;
  std::optional<std::int64_t> queue_position;
  bool cancel_requested = false;
  std::string updatedAt;
  bool operator==(JobProgress const&) const = default;
};
struct JobState {
  std::string _id, status, previous, updatedAt;
};

}  // namespace fealty::jobs

FEALTY_SCHEMA(fealty::jobs::JobProgress, field<&fealty::jobs::JobProgress::_id>("_id", ""),
              field<&fealty::jobs::JobProgress::status>("status", ""), field<&fealty::jobs::JobProgress::total>("total", ""),
              field<&fealty::jobs::JobProgress::processed>("processed", ""), field<&fealty::jobs::JobProgress::success>("success", ""),
              field<&fealty::jobs::JobProgress::failed>("failed", ""), field<&fealty::jobs::JobProgress::updated>("updated", ""),
              field<&fealty::jobs::JobProgress::unchanged>("unchanged", ""), field<&fealty::jobs::JobProgress::created>("created", ""),
              field<&fealty::jobs::JobProgress::not_processed>("not_processed", ""),
              field<&fealty::jobs::JobProgress::skipped>("skipped", ""), field<&fealty::jobs::JobProgress::progress>("progress", ""),
              field<&fealty::jobs::JobProgress::queue_position>("queue_position", ""),
              field<&fealty::jobs::JobProgress::cancel_requested>("cancel_requested", ""),
              field<&fealty::jobs::JobProgress::updatedAt>("updatedAt", ""))
FEALTY_SCHEMA(fealty::jobs::JobState, field<&fealty::jobs::JobState::_id>("_id", ""), field<&fealty::jobs::JobState::status>("status", ""),
              field<&fealty::jobs::JobState::previous>("previous", ""), field<&fealty::jobs::JobState::updatedAt>("updatedAt", ""))

namespace fealty::jobs {
namespace {

constexpr int kCommentMs = 12'000;         // the contract promises a sign of life every 15 s
constexpr int kReconnectMs = 3'000;        // what a browser waits before it comes back
constexpr int kStorageAwayMsMax = 60'000;  // a stream outlives a restart of the database
constexpr std::int64_t kRanks = 4;         // progress and status, state, end
constexpr std::int64_t kStateRank = 1, kEndRank = 2;

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Grows with whatever an event tells, on every node alike: no clock has a part in it.
std::int64_t steps_of(Job const& job) {
  std::int64_t const states_left = job.status == "queued"       ? 0
                                   : job.status == "processing" ? 1
                                   : job.status == "reverting"  ? 3
                                   : job.status == "reverted"   ? 4
                                                                : 2;
  return job.counters.processed() + job.counters.skipped + states_left + (job.cancel_requested ? 1 : 0);
}

JobProgress progress_of(JobStatus const& s) {
  return {s._id,     s.status,        s.total,   s.processed, s.success,        s.failed,           s.updated,  s.unchanged,
          s.created, s.not_processed, s.skipped, s.progress,  s.queue_position, s.cancel_requested, s.updatedAt};
}

class EventStream final : public api::BodyStream {
 public:
  EventStream(std::unique_ptr<JobWatches::Place> place, std::shared_ptr<JobWatch> watch, std::shared_ptr<JobView const> seen,
              std::optional<std::int64_t> last_id)
      : place_(std::move(place)), watch_(std::move(watch)), seen_(std::move(seen)), last_id_(last_id.value_or(-1)) {}

  bool is_live() const override { return true; }

  Next next(std::string& out) override {
    if (!begun_) {
      begin(out);
    } else if (auto const view = look()) {
      tell(out, *view);
      seen_ = view;
    } else if (gone_) {
      return {Then::end};
    }
    std::int64_t const now_ms = steady_now_ms();
    if (out.empty() && now_ms - sent_at_ms_ >= kCommentMs) out = ": still here\n\n";
    if (!out.empty()) sent_at_ms_ = now_ms;
    if (seen_->ended) return {Then::end};
    return {Then::wait, kJobPollMs};
  }

 private:
  // Whoever resumes and has seen all is told nothing twice.
  void begin(std::string& out) {
    begun_ = true;
    out += "retry: " + std::to_string(kReconnectMs) + "\n\n";
    std::int64_t const id = seen_->steps * kRanks;
    if (last_id_ < id) event(out, id, "status", api::to_json(seen_->status));
    if (seen_->ended) event(out, id + kEndRank, "end", api::to_json(seen_->status));
  }

  void tell(std::string& out, JobView const& view) {
    auto const before = progress_of(seen_->status), now = progress_of(view.status);
    std::int64_t const id = view.steps * kRanks;
    if (before != now) event(out, id, "progress", api::to_json(now));
    if (before.status != now.status)
      event(out, id + kStateRank, "state", api::to_json(JobState{now._id, now.status, before.status, now.updatedAt}));
    if (view.ended) event(out, id + kEndRank, "end", api::to_json(view.status));
  }

  // Ids stay away from events that tell of something else than steps, such as another place in the queue.
  void event(std::string& out, std::int64_t id, std::string_view name, std::string const& data) {
    if (id > last_id_) {
      out += "id: " + std::to_string(id) + "\n";
      last_id_ = id;
    }
    ((((out += "event: ") += name) += "\ndata: ") += data) += "\n\n";
  }

  // Null when the job is gone, or when storage cannot tell at the moment.
  std::shared_ptr<JobView const> look() {
    try {
      auto view = watch_->look();
      away_since_ms_ = 0;
      gone_ = !view;
      // Counters never go back, whatever a read that was overtaken says.
      return view && view->status.processed < seen_->status.processed ? seen_ : view;
    } catch (sql::StorageError const& e) {
      std::int64_t const now_ms = steady_now_ms();
      if (away_since_ms_ == 0) away_since_ms_ = now_ms;
      if (now_ms - away_since_ms_ > kStorageAwayMsMax) throw;
      log::warning("bulk.events_wait_for_storage", {{"job", seen_->status._id}, {"reason", e.what()}});
      return nullptr;
    }
  }

  std::unique_ptr<JobWatches::Place> place_;
  std::shared_ptr<JobWatch> watch_;
  std::shared_ptr<JobView const> seen_;
  std::int64_t last_id_;
  bool begun_ = false, gone_ = false;
  std::int64_t sent_at_ms_ = 0, away_since_ms_ = 0;
};

std::optional<std::int64_t> read_event_id(std::optional<std::string_view> text) {
  std::int64_t id = 0;
  if (!text || text->empty()) return std::nullopt;
  auto const [end, problem] = std::from_chars(text->data(), text->data() + text->size(), id);
  if (problem != std::errc() || end != text->data() + text->size() || id < 0) return std::nullopt;
  return id;
}

}  // namespace

std::shared_ptr<JobView const> BulkService::view_of(CommunityNo community, JobNo number) const {
  return parts_.database.read([&](sql::Tx& tx) -> std::shared_ptr<JobView const> {
    auto const job = find_job(tx, community, number);
    if (!job) return nullptr;
    auto view = std::make_shared<JobView>();
    view->status = status_of(tx, *job).value();
    view->steps = steps_of(*job);
    view->ended = is_one_of(job->status, {"completed", "failed", "cancelled", "reverted"});
    return view;
  });
}

Result<api::Response> BulkService::events(api::Context& context, api::Request const& request, PublicId id) {
  auto const job = find(context.community, id);
  if (!job) return std::unexpected(job.error());
  // People have no key: each of them has a place of his own all the same.
  auto const& who = context.principal;
  KeyNo const holder = who.key ? who.key : KeyNo{-who.account.value};
  auto place = watches_->take_place(context.community, holder);
  if (!place) {
    Error error{&errors::kTooManyStreams, "This key follows " + std::to_string(kStreamsPerKeyMax) +
                                              " jobs here already, which is the limit; close one of the streams, or ask for the status."};
    error.retry_after_s = 5;
    return std::unexpected(std::move(error));
  }
  auto watch = watches_->watch(context.community, job->number,
                               [this, community = context.community, number = job->number] { return view_of(community, number); });
  auto const view = watch->look();
  if (!view) return fail(errors::kJobNotFound, "There is no bulk job " + id.to_string() + " in this community.");

  auto last_id = read_event_id(request.header("last-event-id"));
  std::int64_t const end_id = view->steps * kRanks + kEndRank;
  // An id from beyond the end is none of ours.
  if (last_id && *last_id > end_id) last_id.reset();
  // All was told. This status is how a browser learns not to come back.
  if (view->ended && last_id == end_id) return api::Response{.status = 204};
  api::Response response{.status = 200, .content_type = "text/event-stream"};
  response.headers.push_back({"X-Accel-Buffering", "no"});  // nginx would gather events until it has a page of them
  response.stream = std::make_shared<EventStream>(std::move(place), std::move(watch), view, last_id);
  return response;
}

}  // namespace fealty::jobs
