// The status line and headers of an answer, formatted by hand once.
#pragma once
#include <string>
#include <string_view>
#include "api/http_types.h"

namespace fealty::http {

struct AnswerFacts {
  bool to_http_1_0 = false;
  bool keep_alive = true;
};

// Appends the head with Date, Content-Type, Connection, and Content-Length or, for a stream of unknown length,
// Transfer-Encoding; to HTTP/1.0 such a body ends with the connection. Statuses 204 and 304 have no body.
void append_answer_head(std::string& out, api::Response const& response, AnswerFacts facts);

bool has_body(int status);

// What is sent after the head; empty for 204, 304 and streams.
std::string_view body_of(api::Response const& response);

// One chunk of a body without known length; nothing for an empty piece, which would end it.
void append_chunk(std::string& out, std::string_view piece);
void append_last_chunk(std::string& out);

}  // namespace fealty::http
