#include "access/written_once.h"
#include "members/member_reference.h"
#include "members/segments.h"

namespace fealty::members {
namespace {

using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::None;
using api::Permission;
using api::Request;
using api::Route;

Result<PublicId> id_of(Request const& request) { return api::path_id(request, 0, errors::kSegmentNotFound); }

// The family of users/filter, whose bodies and answers these are: the community comes from the credential, and one client reads
// pages of both.
Route base(Method method, std::string const& path, std::string id, std::string summary, std::string description,
           std::initializer_list<Permission> needs, std::vector<ErrorDef const*> errors) {
  return {.method = method,
          .path = "/segments" + path,
          .family = Family::integration,
          .needs = Needs::key(needs),
          .id = std::move(id),
          .summary = std::move(summary),
          .description = std::move(description),
          .tag = "Segments",
          .errors = std::move(errors)};
}

}  // namespace

std::vector<Route> segments_routes(SegmentsService& service) {
  std::vector<Route> routes;
  auto const reads = {Permission::get_user_data};
  // A segment stands beside the fields: who defines these defines those, and a key that only reads members changes nothing that
  // others build on.
  auto const writes = {Permission::get_user_data, Permission::user_fields};
  std::string const one = "/{segmentId}";

  routes.push_back(api::list_route<SegmentsQuery, SegmentOut>(
      base(Method::get, "", "segments.list", "Get all segments", "Filters of members that are kept under a name.", reads, {}),
      "Segments fetched successfully", [&service](Context& c, SegmentsQuery const& q) { return service.list(c, q); }));
  routes.push_back(api::typed_route<None, None, SegmentOut>(
      base(Method::get, one, "segments.get", "Get one segment", "Its filter is shown with the present names of fields, roles and tags.",
           reads, {&errors::kSegmentNotFound}),
      "Segment fetched successfully", [&service](Context& c, Request const& r, None const&) -> Result<SegmentOut> {
        auto const id = id_of(r);
        return id ? service.get(c, *id) : std::unexpected(id.error());
      }));

  routes.push_back(access::once_route<CreateSegmentIn, SegmentOut>(
      base(Method::post, "", "segments.create", "Create a segment",
           "The filter is kept by the ids of its fields, roles and tags: it means the same when they are renamed.", writes,
           {&errors::kSegmentExists, &errors::kTooManySegments, &errors::kUnknownColumn, &errors::kUnknownOperator}),
      [&service](Context& c, CreateSegmentIn const& in, auto const& key) { return service.create(c, in, key); }, 201));

  routes.push_back(api::typed_route<None, UpdateSegmentIn, SegmentOut>(
      base(Method::put, one, "segments.update", "Change a segment", "What is absent stays.", writes,
           {&errors::kSegmentNotFound, &errors::kSegmentExists, &errors::kSegmentBroken, &errors::kUnknownColumn,
            &errors::kUnknownOperator}),
      "Segment updated successfully",
      [&service](Context& c, Request const& r, None const&, UpdateSegmentIn const& in) -> Result<SegmentOut> {
        auto const id = id_of(r);
        return id ? service.update(c, *id, in) : std::unexpected(id.error());
      }));
  routes.push_back(api::typed_route<None, None, DeletedSegment>(
      base(Method::del, one, "segments.delete", "Delete a segment", "Its members stay as they are.", writes, {&errors::kSegmentNotFound}),
      "Segment deleted successfully", [&service](Context& c, Request const& r, None const&) -> Result<DeletedSegment> {
        auto const id = id_of(r);
        return id ? service.remove(c, *id) : std::unexpected(id.error());
      }));

  routes.push_back(api::typed_route<None, None, SegmentCount>(
      base(Method::get, one + "/count", "segments.count", "Count the members of a segment", "All who fit at this moment.", reads,
           {&errors::kSegmentNotFound, &errors::kSegmentBroken, &errors::kAmbiguousMember}),
      "Segment counted successfully", [&service](Context& c, Request const& r, None const&) -> Result<SegmentCount> {
        auto const id = id_of(r);
        return id ? service.count(c, *id) : std::unexpected(id.error());
      }));
  Route users = api::typed_route<None, SegmentUsersIn, api::Json>(
      base(Method::post, one + "/users", "segments.users", "Get the members of a segment", "Pages as those of users/filter.", reads,
           {&errors::kSegmentNotFound, &errors::kSegmentBroken, &errors::kUnknownColumn, &errors::kInvalidCursor, &errors::kPageTooDeep,
            &errors::kAmbiguousMember}),
      "Users fetched successfully", [&service](Context& c, Request const& r, None const&, SegmentUsersIn const& in) -> Result<api::Json> {
        auto const id = id_of(r);
        return id ? service.users(c, *id, in) : std::unexpected(id.error());
      });
  users.out = &api::Schema<FilterOut>::def;
  routes.push_back(std::move(users));

  Route file = base(Method::get, one + "/export", "segments.export", "Export the members of a segment as CSV",
                    "As users/export. Who exported what is kept in the audit trail.", reads,
                    {&errors::kSegmentNotFound, &errors::kSegmentBroken, &errors::kUnknownColumn, &errors::kAmbiguousMember});
  file.query = &api::Schema<SegmentExportQuery>::def;
  file.raw_content_type = "text/csv";
  file.handler = [&service](Context& c, Request& r) -> Result<api::Answer> {
    SegmentExportQuery query;
    if (auto error = api::detail::parse_input(r, &api::Schema<SegmentExportQuery>::def, &query, nullptr, nullptr))
      return std::unexpected(*std::move(error));
    auto const id = id_of(r);
    if (!id) return std::unexpected(id.error());
    auto answer = service.export_file(c, r, *id, query);
    if (!answer) return std::unexpected(std::move(answer).error());
    return api::Answer{.raw = *std::move(answer)};
  };
  routes.push_back(std::move(file));
  return routes;
}

}  // namespace fealty::members
