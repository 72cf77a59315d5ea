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

// Appends the head with Date, Content-Type, Content-Length and Connection. Statuses 204 and 304 have no body.
void append_answer_head(std::string& out, api::Response const& response, AnswerFacts facts);

// What is sent after the head; empty for 204 and 304.
std::string_view body_of(api::Response const& response);

}  // namespace fealty::http
