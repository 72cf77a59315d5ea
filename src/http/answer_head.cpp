#include "http/answer_head.h"
#include <ctime>

namespace fealty::http {
namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    default: return "Other";
  }
}

// IMF-fixdate, made anew once a second and thread.
std::string_view date_now() {
  thread_local std::time_t made_at = -1;
  thread_local std::string text;
  std::time_t now = std::time(nullptr);
  if (now == made_at) return text;
  std::tm utc{};
  gmtime_r(&now, &utc);
  char buffer[40];
  // The server never sets a locale, so the names of days and months are the English ones that HTTP wants.
  text.assign(buffer, std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &utc));
  made_at = now;
  return text;
}

void append_number(std::string& out, std::size_t number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

}  // namespace

bool has_body(int status) { return status != 204 && status != 304; }

std::string_view body_of(api::Response const& response) {
  if (!has_body(response.status) || response.stream) return {};
  return response.static_body.empty() ? std::string_view(response.body) : response.static_body;
}

void append_answer_head(std::string& out, api::Response const& response, AnswerFacts facts) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(response.status));
  (out += ' ') += reason_of(response.status);
  (out += "\r\nDate: ") += date_now();
  if (has_body(response.status)) {
    (out += "\r\nContent-Type: ") += response.content_type;
    auto const length = response.stream ? response.stream->length() : static_cast<std::int64_t>(body_of(response).size());
    if (length) {
      out += "\r\nContent-Length: ";
      append_number(out, static_cast<std::size_t>(*length));
    } else if (!facts.to_http_1_0) {
      out += "\r\nTransfer-Encoding: chunked";
    }
  }
  for (auto const& header : response.headers) (((out += "\r\n") += header.name) += ": ") += header.value;
  if (!facts.keep_alive)
    out += "\r\nConnection: close";
  else if (facts.to_http_1_0)
    out += "\r\nConnection: keep-alive";
  out += "\r\n\r\n";
}

void append_chunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, piece.size(), 16).ptr);
  ((out += "\r\n") += piece) += "\r\n";
}

void append_last_chunk(std::string& out) { out += "0\r\n\r\n"; }

}  // namespace fealty::http
