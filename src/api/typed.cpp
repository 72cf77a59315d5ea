#include "api/typed.h"

#include "api/json_writer.h"
#include "base/text.h"

namespace fealty::api {

Error invalid_request(std::vector<Issue> issues) {
  Error error{.def = &errors::kInvalidRequest, .message = ""};
  error.issues_truncated = issues.size() > kRequestIssuesMax;
  if (error.issues_truncated) issues.resize(kRequestIssuesMax);
  if (issues.size() == 1) {
    error.message = issues.front().message;
  } else if (issues.empty()) {
    error.message = "This request is not right.";
  } else {
    error.message = std::string(error.issues_truncated ? "More than " : "") + std::to_string(issues.size()) +
                    " parts of this request are not right; each is listed.";
  }
  error.issues = std::move(issues);
  return error;
}

Result<PublicId> path_id(Request const& request, int index, ErrorDef const& not_found) {
  auto const id = PublicId::parse(request.path_args.at(static_cast<std::size_t>(index)));
  if (!id) return fail(not_found, "There is no record with this id. Ids are 24 lower-case hex digits.");
  return *id;
}

Page Page::of(std::int64_t total, std::int64_t page, std::int64_t limit) {
  Page out;
  out.total = total;
  out.current_page = page;
  out.limit = limit;
  out.total_pages = limit > 0 ? total / limit + (total % limit != 0) : 0;
  out.has_next = page < out.total_pages;
  out.has_prev = page > 1 && out.total_pages > 0;
  return out;
}

std::string Page::pagination() const {
  JsonWriter w;
  w.begin_object().key("total").integer(total).key("currentPage").integer(current_page).key("totalPages").integer(total_pages);
  w.key("hasNextPage").boolean(has_next).key("hasPrevPage").boolean(has_prev);
  if (next_cursor) w.key("nextCursor").string(*next_cursor);
  w.end_object();
  return "\"pagination\":" + w.take();
}

std::string cursor_pagination(std::int64_t limit, std::optional<std::string> const& next_cursor) {
  JsonWriter w;
  w.begin_object().key("limit").integer(limit).key("hasNextPage").boolean(next_cursor.has_value()).key("nextCursor");
  if (next_cursor)
    w.string(*next_cursor);
  else
    w.null();
  w.end_object();
  return "\"pagination\":" + w.take();
}

std::string Page::meta() const {
  std::string out =
      "\"page\":" + std::to_string(current_page) + ",\"limit\":" + std::to_string(limit) + ",\"total\":" + std::to_string(total);
  if (next_cursor) {
    out += ",\"nextCursor\":";
    write_json_string(out, *next_cursor);
  }
  return out;
}

namespace detail {

std::optional<Error> parse_input(Request const& request, StructDef const* query_def, void* query, StructDef const* body_def, void* body) {
  std::vector<Issue> issues;
  bool good = !query_def || parse_pairs(*query_def, request.query, query, issues);
  if (body_def) good = parse_json(*body_def, trim_space(request.body).empty() ? "{}" : request.body, body, issues) && good;
  if (good) return {};
  return invalid_request(std::move(issues));
}

}  // namespace detail

}  // namespace fealty::api
