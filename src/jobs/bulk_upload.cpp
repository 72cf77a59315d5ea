#include "access/idempotency.h"
#include "api/csv_file.h"
#include "api/gzip.h"
#include "api/json_writer.h"
#include "api/multipart.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "jobs/anonymous_import.h"
#include "jobs/bulk_service.h"
#include "jobs/bulk_store.h"
#include "jobs/upload_fields.h"

namespace fealty::jobs {
namespace {

// What is known of the file once it has been read to its end.
struct ReceivedFile {
  std::unique_ptr<NewFile> file;
  std::string name;
  std::int64_t size = 0;
  std::string sha256;
  api::Dialect dialect;
  std::vector<Column> columns;
  api::CsvPosition first_row;
  std::int64_t rows = 0;
};

std::unexpected<Error> storage_full() {
  Error error{&errors::kStorageFull, "There is no space left for uploads. Nothing was kept; try again when the operator has made room."};
  error.retry_after_s = 60;
  return std::unexpected(std::move(error));
}

std::string fingerprint_of(BulkKind const& kind, UploadOptions const& o, std::string_view file_sha256) {
  std::string text(kind.type());
  for (auto const& part : {o.log_name, std::string(o.dry_run ? "dry" : "run"), std::string(o.silent ? "silent" : "loud"),
                           o.max_errors ? std::to_string(*o.max_errors) : std::string("any")})
    text += '\0' + part;
  return sha256(text + '\0' + std::string(file_sha256));
}

// What is counted while an upload runs; given back whatever its end.
class Slot {
 public:
  explicit Slot(std::function<void()> give_back) : give_back_(std::move(give_back)) {}
  ~Slot() { give_back_(); }
  Slot(Slot const&) = delete;
  Slot& operator=(Slot const&) = delete;

 private:
  std::function<void()> give_back_;
};

std::unexpected<Error> too_many(ErrorDef const& def, std::string message, int retry_after_s) {
  Error error{&def, std::move(message)};
  error.retry_after_s = retry_after_s;
  return std::unexpected(std::move(error));
}

// A body that must be there by some time.
class TimedSource final : public api::ByteSource {
 public:
  TimedSource(api::ByteSource& in, std::int64_t end_steady_ms) : in_(in), end_steady_ms_(end_steady_ms) {}
  std::size_t read(std::span<char> into) override {
    if (steady_now_ms() >= end_steady_ms_) throw api::BodyAborted(api::BodyAborted::Why::too_slow, "the upload takes too long");
    return in_.read(into);
  }

 private:
  api::ByteSource& in_;
  std::int64_t end_steady_ms_;
};

}  // namespace

class BulkService::Upload {
 public:
  Upload(BulkService& service, api::Context& context, api::Request& request, BulkKind const& kind)
      : service_(service),
        parts_(service.parts_),
        context_(context),
        request_(request),
        kind_(kind),
        is_stranger_(context.principal.kind == api::PrincipalKind::guest),
        limits_(is_stranger_ ? stranger_limits(parts_.limits) : parts_.limits),
        is_import_(kind.type() == "bulk_import"),
        fields_(limits_, is_import_),
        idempotency_key_(request.header("idempotency-key")) {}

  Result<UploadAnswer> run() {
    // 1. What can be refused before the body is read.
    if (auto begun = is_stranger_ ? enter_as_stranger() : enter_with_credential(); !begun) return std::unexpected(std::move(begun).error());
    if (auto fits = check_head(); !fits) return std::unexpected(std::move(fits).error());
    // 2. The body, in one pass: decoded, checked, hashed and stored.
    if (auto read = read_body(); !read) return std::unexpected(std::move(read).error());
    if (auto good = check_options(); !good) return std::unexpected(std::move(good).error());
    // 3. Durable file, then one transaction with the job, the idempotency record and the audit entry; only then the answer.
    return store();
  }

 private:
  Result<void> enter_with_credential() {
    auto const& who = context_.principal;
    community_ = context_.community;
    community_id_ = who.community_id;
    actor_ = access::actor_of(who);
    permissions_ = who.permissions;
    uploader_ = who.key_prefix;
    return enter();
  }

  // Until a community is named, a stranger's upload holds one of a few places and its share of time, and nothing else.
  Result<void> enter_as_stranger() {
    if (!is_import_ || !parts_.database.read([](sql::Tx& tx) { return any_takes_strangers(tx); }))
      return std::unexpected(not_for_strangers());
    std::lock_guard lock(service_.uploads_mutex_);
    if (service_.strangers_uploading_ >= limits_.bulk_anonymous_uploads_node_max)
      return too_many(fealty::errors::kOverloaded, "Too many imports without a key are running. Try again in a moment.", 5);
    ++service_.strangers_uploading_;
    strangers_place_.emplace([&service = service_] {
      std::lock_guard relock(service.uploads_mutex_);
      --service.strangers_uploading_;
    });
    return {};
  }

  // As soon as a stranger's upload has named its community.
  Result<void> enter_named_community() {
    auto const& named = fields_.options.community_id;
    if (!is_stranger_ || community_ || !named) return {};
    auto const id = PublicId::parse(*named);
    auto const open = parts_.database.read([&](sql::Tx& tx) { return find_open_community(tx, {id ? id->number : 0}); });
    if (!open || open->id != id) return std::unexpected(not_for_strangers());
    // The request's row in the API log is that community's.
    community_ = context_.community = open->number;
    community_id_ = open->id;
    actor_ = {"anonymous", "", "anonymous import"};
    creates_only_ = open->import != AnonymousImport::full;
    uploader_ = access::throttle_subject("anonymous", access::client_of(context_.remote_address));
    if (auto entered = enter(); !entered) return entered;
    // What is read counts, whatever becomes of it.
    auto const throttles = stranger_throttles(limits_, community_, context_.remote_address);
    auto begun = parts_.database.write([&](sql::Tx& tx) { return access::begin_attempt(tx, throttles, context_.now); });
    if (!begun)
      begun.error().message = "Without a key, a client can begin " + std::to_string(limits_.bulk_anonymous_client_hour_max) +
                              " imports an hour, and all clients of a community together " +
                              std::to_string(limits_.bulk_anonymous_community_hour_max) + ". Try again later.";
    return begun;
  }

  std::unexpected<Error> too_many_jobs() const {
    return too_many(errors::kTooManyJobs,
                    "This community has " + std::to_string(limits_.bulk_jobs_waiting_max) +
                        " jobs waiting, the most it can have. Wait until some are done.",
                    30);
  }

  // The community's own limits.
  Result<void> enter() {
    // A repeated request may be answered from what was kept: it is counted when that is known.
    if (!idempotency_key_ &&
        parts_.database.read([&](sql::Tx& tx) { return count_open_jobs(tx, community_); }) >= limits_.bulk_jobs_waiting_max)
      return too_many_jobs();
    if (auto issue = idempotency_key_ ? access::idempotency_key_problem(*idempotency_key_) : std::nullopt)
      return std::unexpected(api::invalid_request({*std::move(issue)}));
    std::string const busy_key =
        idempotency_key_ ? std::to_string(community_.value) + '\0' + uploader_ + '\0' + std::string(*idempotency_key_) : "";
    std::lock_guard lock(service_.uploads_mutex_);
    if (service_.uploads_[community_] >= limits_.bulk_uploads_community_max)
      return too_many(errors::kTooManyUploads,
                      "This community has " + std::to_string(limits_.bulk_uploads_community_max) +
                          " uploads under way, the most at a time. Wait for one to end.",
                      5);
    if (!busy_key.empty() && !service_.keys_in_use_.insert(busy_key).second)
      return fail(fealty::errors::kRequestInProgress, "A request with this Idempotency-Key is still uploading; wait for its answer.");
    ++service_.uploads_[community_];
    place_.emplace([&service = service_, community = community_, busy_key] {
      std::lock_guard relock(service.uploads_mutex_);
      if (--service.uploads_[community] == 0) service.uploads_.erase(community);
      if (!busy_key.empty()) service.keys_in_use_.erase(busy_key);
    });
    return {};
  }

  Result<void> check_head() {
    auto const encoding = request_.header("content-encoding");
    is_gzip_ = encoding && equals_ignore_ascii_case(trim_space(*encoding), "gzip");
    if (encoding && !is_gzip_ && !trim_space(*encoding).empty() && !equals_ignore_ascii_case(trim_space(*encoding), "identity"))
      return fail(fealty::errors::kUnsupportedMediaType, "Content-Encoding may be gzip or absent; found " + std::string(*encoding) + ".");
    content_type_ = request_.header("content-type").value_or("");
    std::string_view const media_type = trim_space(content_type_.substr(0, content_type_.find(';')));
    is_form_ = equals_ignore_ascii_case(media_type, "multipart/form-data");
    if (!is_form_ && !equals_ignore_ascii_case(media_type, "text/csv") && !equals_ignore_ascii_case(media_type, "application/csv"))
      return fail(fealty::errors::kUnsupportedMediaType,
                  "Send the file as multipart/form-data in the field data, or as a body of type text/csv; found " +
                      (media_type.empty() ? std::string("no Content-Type") : std::string(media_type)) + ".");
    if (auto const length = request_.stream->declared_length(); length && *length > body_bytes_max())
      return std::unexpected(api::problems::file_too_large(limits_.bulk_file_bytes_max).to_error());
    return {};
  }
  std::int64_t body_bytes_max() const { return is_form_ ? api::MultipartLimits(limits_).bytes_max : limits_.bulk_file_bytes_max; }

  Result<void> read_body() {
    try {
      api::RequestBody body(*request_.stream);
      std::optional<TimedSource> timed;
      std::optional<api::GunzipSource> unpacked;
      api::ByteSource* source = &body;
      if (is_stranger_) source = &timed.emplace(*source, steady_now_ms() + limits_.bulk_anonymous_upload_ms);
      if (is_gzip_) source = &unpacked.emplace(*source, limits_, body_bytes_max());
      if (is_form_) {
        if (auto read = read_form(*source); !read) return read;
      } else {
        for (auto const& [name, value] : request_.query) fields_.take(name, value);
        if (auto entered = enter_named_community(); !entered) return entered;
        if (is_stranger_ && !community_) return std::unexpected(not_for_strangers());
        if (auto taken = receive_file(*source, ""); !taken) return taken;
      }
      if (is_stranger_ && !community_) return std::unexpected(not_for_strangers());
      return check_what_waits();
    } catch (api::FileProblem const& problem) {
      return std::unexpected(problem.to_error());
    } catch (StorageFull const&) {
      return storage_full();
    }
  }

  Result<void> read_form(api::ByteSource& source) {
    auto const boundary = api::boundary_of(content_type_);
    if (!boundary) return fail(api::file_errors::kInvalidForm, "The Content-Type multipart/form-data names no boundary.");
    api::MultipartReader form(source, *boundary, api::MultipartLimits(limits_));
    while (auto part = form.next_part()) {
      if (part->name != "data") {
        if (UploadFields::is_field(part->name)) fields_.take(part->name, api::read_field(*part));
        if (auto entered = enter_named_community(); !entered) return entered;
        continue;
      }
      if (received_)
        return fail(errors::kDuplicateField, "The form has the field data twice; send one file a request.",
                    {{"data", "duplicate_field", "The field data was sent twice."}});
      if (auto taken = receive_file(part->body, part->filename.value_or("")); !taken) return taken;
    }
    return {};
  }

  Result<void> receive_file(api::ByteSource& body, std::string name) {
    ReceivedFile& out = received_.emplace();
    out.name = std::move(name);
    out.file = parts_.files.create();
    api::MeasuredSource measured(body, limits_.bulk_file_bytes_max, [&](std::string_view piece) { out.file->write(piece); });
    waits_ = !community_;
    if (waits_) {
      std::array<char, 16 * 1024> piece;
      while (measured.read(piece) > 0) {}
    } else if (auto checked = check_file(measured); !checked) {
      return checked;
    }
    out.size = measured.bytes();
    out.sha256 = measured.sha256();
    return {};
  }

  // A file that came before its community was known.
  Result<void> check_what_waits() {
    if (!received_ || !waits_) return {};
    auto const stored = received_->file->read_back();
    api::FileSource source(stored->descriptor());
    return check_file(source);
  }

  Result<void> check_file(api::ByteSource& source) {
    ReceivedFile& out = *received_;
    std::set<std::string, std::less<>> known;
    parts_.database.read([&](sql::Tx& tx) {
      for (auto& column : kind_.known_columns(tx, community_)) known.insert(std::move(column));
    });
    api::CsvFile csv(source, limits_, [&](std::string_view cell) { return known.contains(cell); });
    if (csv.header().empty())
      return fail(errors::kNoRows, "This file is empty: the first line must name the columns, each further line is one row.",
                  {{"data", "no_rows", "The file has no header and no rows."}});
    auto columns = parts_.database.read([&](sql::Tx& tx) { return kind_.bind(tx, community_, csv.header(), creates_only_); });
    if (!columns) {
      auto error = std::move(columns.error());
      auto const most = static_cast<std::size_t>(limits_.bulk_file_errors_max);
      if (error.issues.size() > most) {
        error.issues.resize(most);
        error.issues_truncated = true;
      }
      return std::unexpected(std::move(error));
    }
    out.columns = std::move(*columns);
    out.first_row = csv.position();
    api::CsvRecord record;
    while (csv.next(record)) out.rows += record.blank ? 0 : 1;
    if (out.rows == 0)
      return fail(errors::kNoRows, "This file has a header but no rows.", {{"data", "no_rows", "There is no row below the header."}});
    out.dialect = csv.opening().dialect;
    return {};
  }

  Result<void> check_options() {
    auto& issues = fields_.issues;
    if (!received_) issues.insert(issues.begin(), {"data", "missing_file", "The form has no field data with the CSV file."});
    if (!issues.empty()) {
      auto const& first = issues.front();
      ErrorDef const& def = first.code == "missing_file"      ? errors::kMissingFile
                            : first.code == "duplicate_field" ? errors::kDuplicateField
                                                              : api::file_errors::kInvalidFormField;
      std::string message = first.message;
      return fail(def, std::move(message), std::move(issues));
    }
    options_ = fields_.finish();
    if (options_.community_id && *options_.community_id != community_id_.to_string())
      return fail(fealty::errors::kForbidden, "This key belongs to another community than communityId names.");
    // A stranger makes the server write to nobody.
    if (is_stranger_) options_.silent = true;
    return {};
  }

  Result<UploadAnswer> store() {
    try {
      received_->file->keep();
    } catch (StorageFull const&) {
      return storage_full();
    }
    std::string const file_key = received_->file->key();
    std::string const fingerprint = fingerprint_of(kind_, options_, received_->sha256);
    bool stored = false;
    Result<UploadAnswer> answer;
    try {
      answer = parts_.database.write([&](sql::Tx& tx) {
        stored = false;
        return store_in(tx, fingerprint, stored);
      });
    } catch (sql::StorageError const& e) {
      // When nobody knows whether the job was stored, its file must stay: the next start removes it if there is no job.
      if (e.kind() != sql::StorageError::Kind::commit_unknown) parts_.files.remove(file_key);
      throw;
    }
    if (!stored) parts_.files.remove(file_key);
    if (answer && stored) service_.on_change_();
    return answer;
  }

  Result<UploadAnswer> store_in(sql::Tx& tx, std::string const& fingerprint, bool& stored) {
    TimeMs const now = parts_.clock();
    lock_queue(tx, community_);
    if (idempotency_key_) {
      if (auto const earlier = access::find_answer(tx, community_, uploader_, *idempotency_key_, now)) {
        if (earlier->fingerprint != fingerprint)
          return fail(fealty::errors::kIdempotencyKeyReused,
                      "This Idempotency-Key was used for another upload; take a new key for a new upload.");
        UploadAnswer replay;
        std::vector<Issue> ignored;
        api::from_json(earlier->answer, replay, ignored);
        return replay;
      }
    }
    if (count_open_jobs(tx, community_) >= limits_.bulk_jobs_waiting_max) return too_many_jobs();
    Job job;
    job.community = community_;
    // Above every earlier job of the community, whatever the clocks of other nodes say: the queue goes by this number.
    job.number = {std::max(parts_.numbers.next(), newest_job_number(tx, community_) + 1)};
    job.type = kind_.type();
    job.status = "queued";
    job.log_name = options_.log_name;
    job.dry_run = options_.dry_run;
    job.silent = options_.silent;
    job.max_errors = options_.max_errors;
    job.file_key = received_->file->key();
    job.file_name = received_->name;
    job.file_size = received_->size;
    job.file_sha256 = received_->sha256;
    job.fingerprint = fingerprint;
    job.dialect = received_->dialect;
    job.columns = received_->columns;
    job.permissions = permissions_;
    job.creates_only = creates_only_;
    job.actor = actor_;
    job.total = received_->rows;
    job.first = job.next = received_->first_row;
    job.created_at = now;
    if (!job.dry_run) {
      job.source = {parts_.numbers.next()};
      kind_.create_source(tx, job.facts(), job.log_name, job.actor, now);
    }
    // A stranger is not told which files came from others.
    auto const twin = is_stranger_ ? std::nullopt : newest_with_fingerprint(tx, community_, fingerprint, now - 86'400'000);
    insert_job(tx, job);
    std::string const id = job.id().to_string();
    UploadAnswer out{std::string(kind_.queued_message()) + ". You can check in Api Log ( community settings )",
                     id,
                     "/v1/users/bulk-update/" + id + "/status",
                     job.total,
                     job.dry_run,
                     twin ? std::optional(twin->id().to_string()) : std::nullopt};
    if (idempotency_key_)
      access::keep_answer(tx, community_, uploader_, *idempotency_key_, {std::string(kind_.path()), fingerprint, api::to_json(out)}, now);
    api::JsonWriter detail;
    detail.begin_object().key("type").string(job.type).key("rows").integer(job.total).key("dry_run").boolean(job.dry_run).end_object();
    access::write_audit(tx, community_, parts_.numbers.next(), {job.actor, "bulk.upload", id, detail.take(), context_.remote_address, now});
    stored = true;
    return out;
  }

  BulkService& service_;
  BulkParts& parts_;
  api::Context& context_;
  api::Request& request_;
  BulkKind const& kind_;
  bool const is_stranger_;  // without a credential
  Limits const limits_;
  bool const is_import_;
  UploadFields fields_;
  std::optional<std::string_view> const idempotency_key_;
  std::optional<Slot> strangers_place_, place_;

  // Whose job it becomes. Of a stranger's upload the community is known when its communityId was read.
  CommunityNo community_;
  PublicId community_id_;
  access::Actor actor_;
  api::PermissionSet permissions_;
  bool creates_only_ = false;
  std::string uploader_;  // whose Idempotency-Keys are one series

  bool is_gzip_ = false, is_form_ = false;
  std::string_view content_type_;
  std::optional<ReceivedFile> received_;
  bool waits_ = false;  // the file is stored, and not looked at yet
  UploadOptions options_;
};

Result<UploadAnswer> BulkService::upload(api::Context& context, api::Request& request, BulkKind const& kind) {
  return Upload(*this, context, request, kind).run();
}

}  // namespace fealty::jobs
