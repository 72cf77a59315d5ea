#include "api/envelope.h"

#include "api/json_writer.h"

namespace fealty::api {

namespace {

void write_details(JsonWriter& w, std::vector<Detail> const& details) {
  for (Detail const& detail : details) {
    w.key(detail.name);
    if (auto const* text = std::get_if<std::string>(&detail.value))
      w.string(*text);
    else if (auto const* json = std::get_if<DetailJson>(&detail.value))
      w.raw(json->text);
    else
      w.decimal(std::get<Decimal>(detail.value));
  }
}

void write_issues(JsonWriter& w, std::vector<Issue> const& issues) {
  w.begin_array();
  for (Issue const& issue : issues) {
    w.begin_object().key("field").string(issue.field).key("code").string(issue.code).key("message").string(issue.message);
    if (!issue.suggestions.empty()) w.key("suggestions").value(issue.suggestions);
    if (issue.position) w.key("position").integer(*issue.position);
    if (issue.line) w.key("line").integer(*issue.line);
    if (issue.limit) w.key("limit").integer(*issue.limit);
    write_details(w, issue.details);
    w.end_object();
  }
  w.end_array();
}

// What a developer reads in the system family, whose published shape has no list of problems.
std::string dev_message(Error const& error) {
  if (error.issues.empty()) return error.message;
  std::string out;
  for (Issue const& issue : error.issues) {
    if (!out.empty()) out += ' ';
    out += issue.message;
  }
  return out;
}

void write_error(JsonWriter& w, Family family, Error const& error, std::string_view request_id) {
  w.begin_object();
  switch (family) {
    case Family::secure_auth:
      w.key("error").boolean(true).key("code").string(error.code()).key("message").string(dev_message(error));
      break;
    case Family::integration:
    case Family::plain:
      w.key("status").string("error").key("code").string(error.code()).key("message").string(error.message);
      write_details(w, error.details);
      write_issues(w.key("errors"), error.issues);
      break;
    case Family::application:
      w.key("meta").begin_object().key("status").string("error").key("statusCode").integer(error.status()).key("validation");
      write_issues(w, error.issues);
      w.end_object().key("code").string(error.code()).key("message").string(error.message);
      write_details(w, error.details);
      break;
    case Family::system:
      w.key("meta").begin_object().key("success").boolean(false).key("message").string(error.message);
      w.key("devMessage").string(dev_message(error)).end_object();
      w.key("body").null().key("code").string(error.code());
      if (!error.issues.empty()) write_issues(w.key("errors"), error.issues);
      break;
  }
  if (error.issues_truncated) w.key("errors_truncated").boolean(true);
  w.key("requestId").string(request_id).end_object();
}

std::string answer_body(Family family, Answer const& answer) {
  if (family == Family::plain || family == Family::secure_auth) return answer.data;
  std::string out = "{";
  switch (family) {
    case Family::integration:
      // Some published answers have no message.
      out += "\"status\":\"success\"";
      if (!answer.message.empty()) {
        out += ",\"message\":";
        write_json_string(out, answer.message);
      }
      break;
    case Family::application:
      out += "\"meta\":{\"status\":\"success\",\"statusCode\":" + std::to_string(answer.status);
      if (!answer.meta_extra.empty()) out += "," + answer.meta_extra;
      out += "},\"message\":";
      write_json_string(out, answer.message);
      break;
    case Family::system:
    case Family::secure_auth:
    case Family::plain:
      out += "\"meta\":{\"success\":true,\"message\":";
      write_json_string(out, answer.message);
      out += ",\"devMessage\":";
      write_json_string(out, answer.message);
      out += "}";
      break;
  }
  if (!answer.data.empty()) {
    out += family == Family::system ? ",\"body\":" : ",\"data\":";
    out += answer.data;
  }
  // An application list has its page in "meta" instead.
  if (!answer.extra.empty() && (family != Family::application || answer.meta_extra.empty())) out += "," + answer.extra;
  out += '}';
  return out;
}

}  // namespace

Response render(Family family, Result<Answer> const& result, std::string_view request_id) {
  if (result) {
    if (result->raw) return *result->raw;
    return {.status = result->status, .body = answer_body(family, *result), .headers = result->headers};
  }
  Error error = result.error();
  if (!error.def) error.def = &errors::kInternal;
  JsonWriter w;
  write_error(w, family, error, request_id);
  Response response{.status = error.status(), .body = w.take()};
  if (error.retry_after_s > 0) response.headers.push_back({"retry-after", std::to_string(error.retry_after_s)});
  return response;
}

}  // namespace fealty::api
