// The stored files of a job: given, and erased.
#include <sys/stat.h>

#include "access/audit.h"
#include "api/byte_source.h"
#include "api/download.h"
#include "base/log.h"
#include "jobs/bulk_service.h"
#include "jobs/bulk_store.h"
#include "jobs/clean_up.h"
#include "jobs/clean_up_store.h"
#include "jobs/file_body.h"

namespace fealty::jobs {
namespace {

// What a request may spend on removing rows; many more are left to the clean-up.
constexpr std::int64_t kEraseMs = 5'000;

class FileBody final : public api::BodyStream {
 public:
  explicit FileBody(std::unique_ptr<StoredFile> file) : file_(std::move(file)) {
    struct stat facts{};
    if (::fstat(file_->descriptor(), &facts) != 0) throw std::system_error(errno, std::generic_category(), "looking at a stored file");
    length_ = facts.st_size;
  }
  std::optional<std::int64_t> length() const override { return length_; }
  bool seek(std::int64_t offset) override {
    at_ = offset;
    return true;
  }
  Next next(std::string& out) override {
    std::size_t const before = out.size();
    auto const wanted = std::min<std::int64_t>(kPieceBytes, length_ - at_);
    if (wanted > 0) {
      out.resize(before + static_cast<std::size_t>(wanted));
      std::size_t const n = api::FileSource(file_->descriptor(), at_).read(std::span(out).subspan(before));
      if (n == 0) throw std::runtime_error("a stored file became shorter");
      out.resize(before + n);
      at_ += static_cast<std::int64_t>(n);
    }
    return {at_ < length_ ? Then::more : Then::end};
  }

 private:
  std::unique_ptr<StoredFile> file_;
  std::int64_t length_ = 0, at_ = 0;
};

}  // namespace

std::shared_ptr<api::BodyStream> body_of(std::unique_ptr<StoredFile> file) { return std::make_shared<FileBody>(std::move(file)); }

Result<api::Response> BulkService::source(api::Context& context, api::Request const& request, PublicId id) {
  auto const job = find(context.community, id);
  if (!job) return std::unexpected(job.error());
  if (has_expired(*job, context.now)) return results_expired(*job);
  auto file = parts_.files.open(job->file_key);
  if (!file) return fail(errors::kResultsExpired, "The file of this job is gone; its summary remains.");
  bool const utf8 = job->dialect.encoding == api::Encoding::utf8;
  return api::download(request, body_of(std::move(file)),
                       {.file_name = job->file_name.empty() ? id.to_string() + ".csv" : job->file_name,
                        .content_type = utf8 ? "text/csv; charset=utf-8" : "text/csv; charset=utf-16",
                        .etag = to_hex({reinterpret_cast<unsigned char const*>(job->file_sha256.data()), job->file_sha256.size()}),
                        .packable = true});
}

Result<JobStatus> BulkService::erase_files(api::Context& context, PublicId id) {
  auto const erased = parts_.database.write([&](sql::Tx& tx) -> Result<Job> {
    auto job = lock_job(tx, context.community, {id.number});
    if (!job || job->id() != id) return fail(errors::kJobNotFound, "There is no bulk job " + id.to_string() + " in this community.");
    if (!job->is_final() || job->status == "reverting")
      return fail(errors::kJobNotFinished, "This job has not ended yet (" + job->status + "); cancel it first, or wait for its end.");
    TimeMs const now = parts_.clock();
    if (has_expired(*job, now)) return std::move(*job);
    set_expiry(tx, job->community, job->number, now);
    access::write_audit(tx, job->community, parts_.numbers.next(),
                        {access::actor_of(context.principal), "bulk.erase", id.to_string(), "{}", context.remote_address, now});
    return std::move(*job);
  });
  if (!erased) return std::unexpected(erased.error());
  // Repeated calls come here too: one may go on where another broke off.
  std::int64_t const until_ms = steady_now_ms() + kEraseMs;
  erase_expired(parts_, erased->community, erased->number, [&] { return steady_now_ms() < until_ms; });
  return status(context, id);
}

}  // namespace fealty::jobs
