// Routes called without a server: the answer of a handler, as the pipeline would send it.
#pragma once
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "api/envelope.h"
#include "api/json_tree.h"
#include "api/route.h"
#include "base/text.h"

namespace fealty::test {

struct Reply {
  int status = 0;
  std::string body;
  // "/data/users/0/email" as JSON text; empty when it is not there.
  std::string at(std::string_view pointer) const {
    api::JsonTree tree;
    std::vector<Issue> issues;
    if (!tree.parse(body, issues)) return "broken JSON";
    auto value = tree.root();
    for (auto const step : split(pointer.substr(1), '/')) {
      std::optional<api::JsonValue> next;
      if (value.kind() == api::JsonKind::array) {
        std::size_t i = 0;
        for (auto const item : value)
          if (std::to_string(i++) == step) next = item;
      } else {
        next = value.find(step);
      }
      if (!next) return "";
      value = *next;
    }
    std::string out;
    value.write(out);
    return out;
  }
  // The same without the quotation marks of a text.
  std::string text(std::string_view pointer) const {
    auto const json = at(pointer);
    return json.size() > 1 && json.front() == '"' ? json.substr(1, json.size() - 2) : json;
  }
  std::string code() const { return text("/code"); }
};

// Waits for handlers that answer later.
inline Result<api::Answer> answer_of(api::Route const& route, api::Context& context, api::Request& request) {
  if (!route.later) return route.handler(context, request);
  std::promise<Result<api::Answer>> answered;
  route.later(context, request, [&](Result<api::Answer> result, std::exception_ptr thrown) {
    thrown ? answered.set_exception(thrown) : answered.set_value(std::move(result));
  });
  return answered.get_future().get();
}

inline Reply reply_of(api::Route const& route, api::Context& context, api::Request& request) {
  auto const response = api::render(route.family, answer_of(route, context, request), "request");
  return {response.status, response.body};
}

}  // namespace fealty::test
