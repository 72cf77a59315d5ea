#include "jobs/bulk_routes.h"

#include "access/written_once.h"
#include "api/download.h"
#include "api/file_problem.h"
#include "api/typed.h"

namespace fealty::jobs {

// Documents the form fields of an upload; the reader is upload_fields.h, since the fields arrive around a stream.
struct UploadForm {
  std::optional<std::string> log_name;
  std::optional<bool> dry_run;
  std::optional<std::int64_t> max_errors;
  std::optional<bool> stop_on_error, silent;
};
struct ImportForm {
  std::optional<std::string> log_name;
  std::optional<bool> dry_run;
  std::optional<std::int64_t> max_errors;
  std::optional<bool> stop_on_error, silent;
  std::optional<std::string> communityId;
};

}  // namespace fealty::jobs

#define UPLOAD_FIELDS(Form)                                                                                                    \
  field<&Form::log_name>("log_name", "Label of the job; absent and empty are equal.", {.max = 200}),                           \
      field<&Form::dry_run>("dry_run", "Evaluate every row, write nothing. Default false."),                                   \
      field<&Form::max_errors>("max_errors", "The job stops at the row that makes failed rows exceed this. Absent: no limit.", \
                               {.min = 0, .max = 10'000'000}),                                                                 \
      field<&Form::stop_on_error>("stop_on_error", "Same as max_errors=0; with both, the stricter wins."),                     \
      field<&Form::silent>("silent", "No message per row. Default true; messages per row are not sent by this version.")
FEALTY_SCHEMA(fealty::jobs::UploadForm, UPLOAD_FIELDS(fealty::jobs::UploadForm))
FEALTY_SCHEMA(fealty::jobs::ImportForm, UPLOAD_FIELDS(fealty::jobs::ImportForm),
              field<&fealty::jobs::ImportForm::communityId>("communityId", "With a key: its community. Without one: the community.",
                                                            {.format = "id"}))
#undef UPLOAD_FIELDS
FEALTY_SCHEMA(fealty::jobs::JobListQuery, page_field<&fealty::jobs::JobListQuery::page>(),
              limit_field<&fealty::jobs::JobListQuery::limit>(),
              field<&fealty::jobs::JobListQuery::cursor>("cursor", "Goes on behind the last page; excludes page."),
              field<&fealty::jobs::JobListQuery::log_name>("log_name", "Exact label."),
              field<&fealty::jobs::JobListQuery::name>("name", "A part of the label or of the file's name, in whatever case.",
                                                       {.max = 200, .example = "\"march\""}),
              field<&fealty::jobs::JobListQuery::status>("status",
                                                         "queued, processing, completed, failed, cancelled, reverting or reverted."),
              field<&fealty::jobs::JobListQuery::type>("type", "bulk_update, bulk_update_premium_currency, bulk_import or revert."),
              field<&fealty::jobs::JobListQuery::from>("from", "Uploaded at this time or later: ISO-8601 or a day."),
              field<&fealty::jobs::JobListQuery::to>("to", "Uploaded at this time or earlier; a day means to its end."))
FEALTY_SCHEMA(fealty::jobs::DetailsQuery, page_field<&fealty::jobs::DetailsQuery::page>(),
              limit_field<&fealty::jobs::DetailsQuery::limit>(500, "Rows of a page; 50 when not given."),
              field<&fealty::jobs::DetailsQuery::after_row>("after_row", "Goes on behind this row; excludes page.", {.min = 0}),
              field<&fealty::jobs::DetailsQuery::status>("status", "One or more outcomes, comma-separated, or success."),
              field<&fealty::jobs::DetailsQuery::key>("key", "Exact e-mail, id or username as the file has it."))
FEALTY_SCHEMA(fealty::jobs::ResultsQuery,
              field<&fealty::jobs::ResultsQuery::status>("status",
                                                         "Rows of these outcomes alone: one or more, comma-separated, or success."))
FEALTY_SCHEMA(fealty::jobs::TemplateQuery, field<&fealty::jobs::TemplateQuery::example>("example", "Adds one example row."))

namespace fealty::jobs {
namespace {

using api::Answer;
using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::Permission;
using api::Request;
using api::Route;

constexpr char kWithoutKey[] =
    " Without a key it goes to the community that communityId names, if that community takes such imports (its setting anonymousImport), "
    "with lower limits; every other community, and one that does not exist, is answered 401.";

std::string title_of(BulkKind const& kind) {
  if (kind.type() == "bulk_import") return "Bulk Import";
  return kind.type() == "bulk_update" ? "Bulk Update" : "Premium Currency Bulk Update";
}

Route upload_route(BulkService& service, BulkKind const& kind) {
  bool const import = kind.type() == "bulk_import";
  auto const needs =
      import ? Needs::key_or_guest({Permission::bulk_update_user, Permission::create_user}) : Needs::key({Permission::bulk_update_user});
  namespace file = api::file_errors;
  return {.method = Method::post,
          .path = std::string(kind.path()),
          .family = Family::integration,
          .needs = needs,
          .body = api::BodyKind::stream,
          .id = "bulk." + std::string(kind.template_name()),
          .summary = title_of(kind),
          .description = "Takes a CSV file, checks it while it streams in, and queues one durable job. Columns: see the template " +
                         std::string(kind.template_name()) + "." + (import ? kWithoutKey : ""),
          .tag = "Bulk Operations",
          .in = import ? &api::Schema<ImportForm>::def : &api::Schema<UploadForm>::def,
          .out = &api::Schema<UploadAnswer>::def,
          .errors = {&errors::kMissingFile,
                     &errors::kDuplicateField,
                     &file::kInvalidFormField,
                     &errors::kNoRows,
                     &file::kInvalidEncoding,
                     &file::kUnterminatedQuote,
                     &file::kTextAfterQuote,
                     &file::kBinaryFile,
                     &file::kCellTooLong,
                     &file::kTooManyColumns,
                     &file::kTooManyRows,
                     &file::kRowTooLong,
                     &file::kFileTooLarge,
                     &file::kCompressionRatio,
                     &file::kInvalidGzip,
                     &file::kXlsxNotSupported,
                     &file::kXlsNotSupported,
                     &file::kUnsupportedFile,
                     &errors::kTooManyJobs,
                     &errors::kTooManyUploads,
                     &errors::kStorageFull,
                     &fealty::errors::kIdempotencyKeyReused,
                     &fealty::errors::kRequestInProgress},
          .handler = [&service, &kind](Context& context, Request& request) -> Result<Answer> {
            auto result = service.upload(context, request, kind);
            if (!result) return std::unexpected(std::move(result).error());
            return Answer{.status = 200, .message = std::string(kind.queued_message()), .data = api::to_json(*result)};
          }};
}

}  // namespace

std::vector<Route> bulk_routes(BulkService& service, std::vector<std::unique_ptr<BulkKind>> const& kinds) {
  std::vector<Route> routes;
  for (auto const& kind : kinds) routes.push_back(upload_route(service, *kind));

  auto read = [](std::string path, std::string id, std::string summary) {
    return Route{.method = Method::get,
                 .path = std::move(path),
                 .family = Family::integration,
                 .needs = Needs::key({Permission::bulk_update_user}),
                 .id = std::move(id),
                 .summary = std::move(summary),
                 .tag = "Bulk Operations",
                 .errors = {&errors::kJobNotFound}};
  };
  routes.push_back(api::list_route<JobListQuery, JobSummary>(read("/users/bulk-update", "bulk.list", "Get All Bulk Update"),
                                                             "Bulk updates fetched successfully",
                                                             [&service](Context& c, JobListQuery const& q) { return service.list(c, q); }));
  routes.push_back(api::typed_route<api::None, api::None, JobStatus>(
      read("/users/bulk-update/{id}/status", "bulk.status", "Check Bulk Update Status"), "Bulk update status fetched successfully",
      [&service](Context& c, Request const& r, api::None const&) -> Result<JobStatus> {
        auto const id = api::path_id(r, 0, errors::kJobNotFound);
        return id ? service.status(c, *id) : std::unexpected(id.error());
      }));

  Route details = read("/users/bulk-update/{id}/details", "bulk.details", "Check Bulk Update Details");
  details.query = &api::Schema<DetailsQuery>::def;
  details.out = &api::Schema<JobDetails>::def;
  details.errors.push_back(&errors::kResultsExpired);
  details.handler = [&service](Context& c, Request& r) -> Result<Answer> {
    DetailsQuery query;
    std::vector<Issue> issues;
    if (!api::from_pairs(r.query, query, issues)) return std::unexpected(api::invalid_request(std::move(issues)));
    auto const id = api::path_id(r, 0, errors::kJobNotFound);
    if (!id) return std::unexpected(id.error());
    auto result = service.details(c, *id, query);
    if (!result) return std::unexpected(std::move(result).error());
    return Answer{
        .message = "Bulk update details fetched successfully", .data = api::to_json(result->first), .extra = result->second.pagination()};
  };
  routes.push_back(std::move(details));

  // Answers that are no envelope.
  auto raw = [&read](std::string path, std::string id, std::string summary, std::string content_type,
                     std::function<Result<api::Response>(Context&, Request const&, PublicId)> answer) {
    Route route = read(std::move(path), std::move(id), std::move(summary));
    route.raw_content_type = std::move(content_type);
    route.handler = [answer = std::move(answer)](Context& c, Request& r) -> Result<Answer> {
      auto const job = api::path_id(r, 0, errors::kJobNotFound);
      if (!job) return std::unexpected(job.error());
      auto response = answer(c, r, *job);
      if (!response) return std::unexpected(std::move(response).error());
      return Answer{.raw = *std::move(response)};
    };
    return route;
  };
  Route source = raw("/users/bulk-update/{id}/source", "bulk.source", "Download the uploaded file", "text/csv",
                     [&service](Context& c, Request const& r, PublicId id) { return service.source(c, r, id); });
  source.description = "The bytes as they were uploaded, unpacked if they came with gzip.";
  source.ranges = true;
  source.errors.insert(source.errors.end(),
                       {&errors::kResultsExpired, &api::errors::kRangeNotSatisfiable, &api::errors::kPreconditionFailed});
  routes.push_back(std::move(source));

  Route results = raw("/users/bulk-update/{id}/results", "bulk.results", "Download the results of a bulk job", "text/csv",
                      [&service](Context& c, Request const& r, PublicId id) -> Result<api::Response> {
                        ResultsQuery query;
                        std::vector<Issue> issues;
                        if (!api::from_pairs(r.query, query, issues)) return std::unexpected(api::invalid_request(std::move(issues)));
                        return service.results(c, r, id, query);
                      });
  results.description =
      "The rows of a job that has ended, in the order of the uploaded file and with its columns and its delimiter, each with status, "
      "error_code and error_message (several errors are joined with \" | \"). The file can be corrected and uploaded again: the last three "
      "columns are then ignored. Cells that a spreadsheet program would run have an apostrophe in front, which an upload takes off.";
  results.query = &api::Schema<ResultsQuery>::def;
  results.ranges = true;
  results.errors.insert(results.errors.end(), {&errors::kJobNotFinished, &errors::kResultsExpired, &api::errors::kRangeNotSatisfiable,
                                               &api::errors::kPreconditionFailed});
  routes.push_back(std::move(results));

  Route events = raw("/users/bulk-update/{id}/events", "bulk.events", "Follow the progress of a bulk job", "text/event-stream",
                     [&service](Context& c, Request const& r, PublicId id) { return service.events(c, r, id); });
  events.description =
      "Server-sent events: status (the whole status object), progress (counters, at most two a second), state, and end with the final "
      "status, after which the server closes. A comment comes at least every 15 seconds. Ids are numbers that grow; a request with "
      "Last-Event-ID, to any node, is told only what is newer, and 204 when the end was told. A key can have 10 streams on a node.";
  events.errors.push_back(&errors::kTooManyStreams);
  routes.push_back(std::move(events));

  Route erase = read("/users/bulk-update/{id}/files", "bulk.erase", "Erase the files of a bulk job");
  erase.method = Method::del;
  erase.description = "Erases the uploaded file and the rows of a job that has ended, at once and for good. The summary stays.";
  erase.errors.push_back(&errors::kJobNotFinished);
  routes.push_back(
      api::typed_route<api::None, api::None, JobStatus>(std::move(erase), "Bulk update files erased successfully",
                                                        [&service](Context& c, Request const& r, api::None const&) -> Result<JobStatus> {
                                                          auto const id = api::path_id(r, 0, errors::kJobNotFound);
                                                          return id ? service.erase_files(c, *id) : std::unexpected(id.error());
                                                        }));

  Route cancel{.method = Method::post,
               .path = "/users/bulk-update/{id}/cancel",
               .family = Family::integration,
               .needs = Needs::key({Permission::bulk_update_user}),
               .id = "bulk.cancel",
               .summary = "Cancel a bulk job",
               .description = "A queued job is cancelled at once, a running one at the end of its chunk. Applied rows stay.",
               .tag = "Bulk Operations",
               .errors = {&errors::kJobNotFound, &errors::kJobFinished}};
  routes.push_back(access::once_route<api::None, JobStatus>(
      std::move(cancel), [&service](Context& c, Request const& r, api::None const&, auto const& key) -> Result<Answer> {
        auto const id = api::path_id(r, 0, errors::kJobNotFound);
        if (!id) return std::unexpected(id.error());
        return service.cancel(c, *id, key);
      }));

  Route revert{.method = Method::post,
               .path = "/users/bulk-update/{id}/revert",
               .family = Family::integration,
               .needs = Needs::key({Permission::bulk_update_user}),
               .id = "bulk.revert",
               .summary = "Reverse a bulk job",
               .description =
                   "Queues a job that takes the rows of an ended one back, from last to first. What was changed otherwise since "
                   "stays, and is reported as a conflict; reversing again tries the conflicts again.",
               .tag = "Bulk Operations",
               .errors = {&errors::kJobNotFound, &errors::kJobNotFinished, &errors::kNothingToRevert, &errors::kAlreadyReverting,
                          &errors::kResultsExpired, &errors::kTooManyJobs, &fealty::errors::kIdempotencyKeyReused}};
  routes.push_back(api::typed_route<api::None, RevertRequest, RevertAnswer>(
      std::move(revert), "Bulk update revert is queued",
      [&service](Context& c, Request const& r, api::None const&, RevertRequest const& in) -> Result<RevertAnswer> {
        auto const id = api::path_id(r, 0, errors::kJobNotFound);
        return id ? service.revert(c, *id, in, r.header("idempotency-key")) : std::unexpected(id.error());
      }));

  Route templates = read("/users/bulk-update/templates/{name}", "bulk.template", "CSV template");
  templates.description = "Header line of the columns that this community's files can have: update, premium or import.";
  templates.query = &api::Schema<TemplateQuery>::def;
  templates.raw_content_type = "text/csv";
  templates.errors = {&errors::kTemplateNotFound};
  templates.handler = [&service](Context& c, Request& r) -> Result<Answer> {
    TemplateQuery query;
    std::vector<Issue> issues;
    if (!api::from_pairs(r.query, query, issues)) return std::unexpected(api::invalid_request(std::move(issues)));
    auto csv = service.template_csv(c, r.path_args[0], query.example);
    if (!csv) return std::unexpected(std::move(csv).error());
    api::Response response{.status = 200, .content_type = "text/csv; charset=utf-8", .body = std::move(*csv)};
    response.headers.push_back({"content-disposition", "attachment; filename=\"" + r.path_args[0] + ".csv\""});
    return Answer{.raw = std::move(response)};
  };
  routes.push_back(std::move(templates));
  return routes;
}

}  // namespace fealty::jobs
