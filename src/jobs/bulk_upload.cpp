#include <charconv>

#include "access/idempotency.h"
#include "api/csv_file.h"
#include "api/gzip.h"
#include "api/json_writer.h"
#include "api/multipart.h"
#include "base/hash.h"
#include "base/text.h"
#include "jobs/bulk_service.h"
#include "jobs/bulk_store.h"

namespace fealty::jobs {
namespace {

struct Options {
  std::string log_name;
  bool dry_run = false, silent = true, stop_on_error = false;
  std::optional<std::int64_t> max_errors;
  std::optional<std::string> community_id;
};

// The form fields beside the file; unknown ones are ignored.
class OptionReader {
 public:
  OptionReader(Limits const& limits, bool with_community) : limits_(limits), with_community_(with_community) {}

  static bool is_option(std::string_view name) {
    return name == "log_name" || name == "dry_run" || name == "max_errors" || name == "stop_on_error" || name == "silent" ||
           name == "communityId";
  }
  void take(std::string const& name, std::string_view value) {
    if (!is_option(name)) return;
    if (!seen_.insert(name).second) {
      issues.push_back({name, "duplicate_field", "The field " + name + " was sent twice."});
      return;
    }
    if (name == "log_name") return take_log_name(value);
    value = trim_space(value);
    if (name == "dry_run")
      take_boolean(name, value, options.dry_run);
    else if (name == "silent")
      take_boolean(name, value, options.silent);
    else if (name == "stop_on_error")
      take_boolean(name, value, options.stop_on_error);
    else if (name == "max_errors")
      take_max_errors(value);
    else if (with_community_ && !value.empty())
      options.community_id = std::string(value);
  }
  Options finish() {
    if (options.stop_on_error) options.max_errors = 0;
    return options;
  }

  Options options;
  std::vector<Issue> issues;

 private:
  void wrong(std::string const& field, std::string message) { issues.push_back({field, "invalid_form_field", std::move(message)}); }
  void take_log_name(std::string_view value) {
    if (!is_valid_utf8(value) || has_control_characters(value, false)) return wrong("log_name", "log_name must be plain text on one line.");
    options.log_name = to_nfc(value);
    auto const most = static_cast<std::size_t>(limits_.bulk_log_name_characters_max);
    if (code_points(options.log_name) > most)
      wrong("log_name", "log_name takes at most " + std::to_string(most) + " characters, this has " +
                            std::to_string(code_points(options.log_name)) + ".");
  }
  void take_boolean(std::string const& name, std::string_view value, bool& out) {
    if (value.empty()) return;
    if (value == "true" || value == "1")
      out = true;
    else if (value == "false" || value == "0")
      out = false;
    else
      wrong(name, name + " must be true, false, 1 or 0.");
  }
  void take_max_errors(std::string_view value) {
    if (value.empty()) return;
    std::int64_t number = 0;
    auto const [at, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || at != value.data() + value.size() || number < 0 || number > limits_.bulk_max_errors_max)
      return wrong("max_errors", "max_errors must be a whole number from 0 to " + std::to_string(limits_.bulk_max_errors_max) + ".");
    options.max_errors = number;
  }

  Limits const& limits_;
  bool with_community_;
  std::set<std::string> seen_;
};

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

Result<ReceivedFile> receive_file(BulkParts const& parts, CommunityNo community, BulkKind const& kind, api::ByteSource& body,
                                  std::string name) {
  ReceivedFile out;
  out.name = std::move(name);
  out.file = parts.files.create();
  api::MeasuredSource measured(body, parts.limits.bulk_file_bytes_max, [&](std::string_view piece) { out.file->write(piece); });
  std::set<std::string, std::less<>> known;
  parts.database.read([&](sql::Tx& tx) {
    for (auto& column : kind.known_columns(tx, community)) known.insert(std::move(column));
  });
  api::CsvFile csv(measured, parts.limits, [&](std::string_view cell) { return known.contains(cell); });
  if (csv.header().empty())
    return fail(errors::kNoRows, "This file is empty: the first line must name the columns, each further line is one row.",
                {{"data", "no_rows", "The file has no header and no rows."}});
  auto columns = parts.database.read([&](sql::Tx& tx) { return kind.bind(tx, community, csv.header()); });
  if (!columns) {
    auto error = std::move(columns.error());
    auto const most = static_cast<std::size_t>(parts.limits.bulk_file_errors_max);
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
  out.size = measured.bytes();
  out.sha256 = measured.sha256();
  return out;
}

std::string fingerprint_of(BulkKind const& kind, Options const& o, std::string_view file_sha256) {
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

}  // namespace

Result<UploadAnswer> BulkService::upload(api::Context& context, api::Request& request, BulkKind const& kind) {
  Limits const& limits = parts_.limits;
  CommunityNo const community = context.community;

  // 1. What can be refused before the body is read.
  auto const too_many_jobs = [&] {
    return too_many(errors::kTooManyJobs,
                    "This community has " + std::to_string(limits.bulk_jobs_waiting_max) +
                        " jobs waiting, the most it can have. Wait until some are done.",
                    30);
  };
  auto const idempotency_key = request.header("idempotency-key");
  // A repeated request may be answered from what was kept: it is counted when that is known.
  if (!idempotency_key && parts_.database.read([&](sql::Tx& tx) { return count_open_jobs(tx, community); }) >= limits.bulk_jobs_waiting_max)
    return too_many_jobs();
  if (auto issue = idempotency_key ? access::idempotency_key_problem(*idempotency_key) : std::nullopt)
    return std::unexpected(api::invalid_request({*std::move(issue)}));
  std::string const busy_key =
      idempotency_key ? std::to_string(community.value) + '\0' + context.principal.key_prefix + '\0' + std::string(*idempotency_key) : "";
  {
    std::lock_guard lock(uploads_mutex_);
    if (uploads_[community] >= limits.bulk_uploads_community_max)
      return too_many(errors::kTooManyUploads,
                      "This community has " + std::to_string(limits.bulk_uploads_community_max) +
                          " uploads under way, the most at a time. Wait for one to end.",
                      5);
    if (!busy_key.empty() && !keys_in_use_.insert(busy_key).second)
      return fail(fealty::errors::kRequestInProgress, "A request with this Idempotency-Key is still uploading; wait for its answer.");
    ++uploads_[community];
  }
  Slot const slot([&] {
    std::lock_guard lock(uploads_mutex_);
    if (--uploads_[community] == 0) uploads_.erase(community);
    if (!busy_key.empty()) keys_in_use_.erase(busy_key);
  });

  auto const encoding = request.header("content-encoding");
  bool const gzip = encoding && equals_ignore_ascii_case(trim_space(*encoding), "gzip");
  if (encoding && !gzip && !trim_space(*encoding).empty() && !equals_ignore_ascii_case(trim_space(*encoding), "identity"))
    return fail(fealty::errors::kUnsupportedMediaType, "Content-Encoding may be gzip or absent; found " + std::string(*encoding) + ".");
  std::string_view const content_type = request.header("content-type").value_or("");
  std::string_view const media_type = trim_space(content_type.substr(0, content_type.find(';')));
  bool const multipart = equals_ignore_ascii_case(media_type, "multipart/form-data");
  bool const raw = equals_ignore_ascii_case(media_type, "text/csv") || equals_ignore_ascii_case(media_type, "application/csv");
  if (!multipart && !raw)
    return fail(fealty::errors::kUnsupportedMediaType,
                "Send the file as multipart/form-data in the field data, or as a body of type text/csv; found " +
                    (media_type.empty() ? std::string("no Content-Type") : std::string(media_type)) + ".");
  api::MultipartLimits const form_limits(limits);
  std::int64_t const bytes_max = multipart ? form_limits.bytes_max : limits.bulk_file_bytes_max;
  if (auto const length = request.stream->declared_length(); length && *length > bytes_max)
    return std::unexpected(api::problems::file_too_large(limits.bulk_file_bytes_max).to_error());

  // 2. The body, in one pass: decoded, checked, hashed and stored.
  OptionReader options_reader(limits, kind.type() == "bulk_import");
  std::optional<ReceivedFile> received;
  try {
    api::RequestBody body(*request.stream);
    std::optional<api::GunzipSource> unpacked;
    api::ByteSource* source = &body;
    if (gzip) source = &unpacked.emplace(body, limits, bytes_max);
    if (raw) {
      for (auto const& [name, value] : request.query) options_reader.take(name, value);
      auto file = receive_file(parts_, community, kind, *source, "");
      if (!file) return std::unexpected(std::move(file).error());
      received = std::move(*file);
    } else {
      auto const boundary = api::boundary_of(content_type);
      if (!boundary) return fail(api::file_errors::kInvalidForm, "The Content-Type multipart/form-data names no boundary.");
      api::MultipartReader form(*source, *boundary, form_limits);
      while (auto part = form.next_part()) {
        if (part->name != "data") {
          if (OptionReader::is_option(part->name)) options_reader.take(part->name, api::read_field(*part));
          continue;
        }
        if (received)
          return fail(errors::kDuplicateField, "The form has the field data twice; send one file a request.",
                      {{"data", "duplicate_field", "The field data was sent twice."}});
        auto file = receive_file(parts_, community, kind, part->body, part->filename.value_or(""));
        if (!file) return std::unexpected(std::move(file).error());
        received = std::move(*file);
      }
    }
  } catch (api::FileProblem const& problem) {
    return std::unexpected(problem.to_error());
  } catch (StorageFull const&) {
    return storage_full();
  }
  if (!received)
    options_reader.issues.insert(options_reader.issues.begin(), {"data", "missing_file", "The form has no field data with the CSV file."});
  if (!options_reader.issues.empty()) {
    auto const& first = options_reader.issues.front();
    ErrorDef const& def = first.code == "missing_file"      ? errors::kMissingFile
                          : first.code == "duplicate_field" ? errors::kDuplicateField
                                                            : api::file_errors::kInvalidFormField;
    std::string message = first.message;
    return fail(def, std::move(message), std::move(options_reader.issues));
  }
  Options const options = options_reader.finish();
  if (options.community_id && *options.community_id != context.principal.community_id.to_string())
    return fail(fealty::errors::kForbidden, "This key belongs to another community than communityId names.");

  // 3. Durable file, then one transaction with the job, the idempotency record and the audit entry; only then the answer.
  try {
    received->file->keep();
  } catch (StorageFull const&) {
    return storage_full();
  }
  std::string const file_key = received->file->key();
  std::string const fingerprint = fingerprint_of(kind, options, received->sha256);
  bool stored = false;
  auto store = [&] {
    return parts_.database.write([&](sql::Tx& tx) -> Result<UploadAnswer> {
      stored = false;
      TimeMs const now = parts_.clock();
      lock_queue(tx, community);
      if (idempotency_key) {
        if (auto const earlier = access::find_answer(tx, community, context.principal.key_prefix, *idempotency_key, now)) {
          if (earlier->fingerprint != fingerprint)
            return fail(fealty::errors::kIdempotencyKeyReused,
                        "This Idempotency-Key was used for another upload; take a new key for a new upload.");
          UploadAnswer replay;
          std::vector<Issue> ignored;
          api::from_json(earlier->answer, replay, ignored);
          return replay;
        }
      }
      if (count_open_jobs(tx, community) >= limits.bulk_jobs_waiting_max) return too_many_jobs();
      Job job;
      job.community = community;
      // Above every earlier job of the community, whatever the clocks of other nodes say: the queue goes by this number.
      job.number = {std::max(parts_.numbers.next(), newest_job_number(tx, community) + 1)};
      job.type = kind.type();
      job.status = "queued";
      job.log_name = options.log_name;
      job.dry_run = options.dry_run;
      job.silent = options.silent;
      job.max_errors = options.max_errors;
      job.file_key = file_key;
      job.file_name = received->name;
      job.file_size = received->size;
      job.file_sha256 = received->sha256;
      job.fingerprint = fingerprint;
      job.dialect = received->dialect;
      job.columns = received->columns;
      job.permissions = context.principal.permissions;
      job.actor = access::actor_of(context.principal);
      job.total = received->rows;
      job.first = job.next = received->first_row;
      job.created_at = now;
      if (!job.dry_run) {
        job.source = {parts_.numbers.next()};
        kind.create_source(tx, job.facts(), job.log_name, job.actor, now);
      }
      auto const twin = newest_with_fingerprint(tx, community, fingerprint, now - 86'400'000);
      insert_job(tx, job);
      std::string const id = job.id().to_string();
      UploadAnswer out{std::string(kind.queued_message()) + ". You can check in Api Log ( community settings )",
                       id,
                       "/v1/users/bulk-update/" + id + "/status",
                       job.total,
                       job.dry_run,
                       twin ? std::optional(twin->id().to_string()) : std::nullopt};
      if (idempotency_key)
        access::keep_answer(tx, community, context.principal.key_prefix, *idempotency_key,
                            {std::string(kind.path()), fingerprint, api::to_json(out)}, now);
      api::JsonWriter detail;
      detail.begin_object().key("type").string(job.type).key("rows").integer(job.total).key("dry_run").boolean(job.dry_run).end_object();
      access::write_audit(tx, community, parts_.numbers.next(), {job.actor, "bulk.upload", id, detail.take(), context.remote_address, now});
      stored = true;
      return out;
    });
  };
  Result<UploadAnswer> answer;
  try {
    answer = store();
  } catch (sql::StorageError const& e) {
    // When nobody knows whether the job was stored, its file must stay: the next start removes it if there is no job.
    if (e.kind() != sql::StorageError::Kind::commit_unknown) parts_.files.remove(file_key);
    throw;
  }
  if (!stored) parts_.files.remove(file_key);
  if (answer && stored) on_change_();
  return answer;
}

}  // namespace fealty::jobs
