// JSON into a rich struct: whatever comes in, nothing breaks, and what is accepted is written and read again to the same text.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "api/json_tree.h"
#include "api/schema.h"

namespace fealty::api::json_fuzz {

constexpr std::string_view kOptions[] = {"red", "green"};
constexpr Rules kItemRules{.min = 1, .max = 8};

// Every default keeps the member's rules, so that what is written must be read again.
struct Rich {
  std::string text = "x";
  std::string note;
  std::optional<std::string> email;
  std::string day = "2026-04-07";
  std::string time = "2026-04-07T09:00:00Z";
  std::string option = "red";
  bool flag = false;
  std::int64_t integer = 0;
  Decimal amount;
  std::optional<Decimal> maybe;
  std::optional<std::optional<std::string>> patch;
  PublicId id;
  std::vector<std::string> words;
  std::vector<Rich> children;
  Json any;
};

}  // namespace fealty::api::json_fuzz

FEALTY_SCHEMA(
    fealty::api::json_fuzz::Rich, field<&fealty::api::json_fuzz::Rich::text>("text", "", {.min = 1, .max = 20}),
    field<&fealty::api::json_fuzz::Rich::note>("note", "", {.format = "multi-line"}),
    field<&fealty::api::json_fuzz::Rich::email>("email", "", {.format = "email"}),
    field<&fealty::api::json_fuzz::Rich::day>("day", "", {.format = "date"}),
    field<&fealty::api::json_fuzz::Rich::time>("time", "", {.format = "date-time"}),
    field<&fealty::api::json_fuzz::Rich::option>("option", "", {.one_of = fealty::api::json_fuzz::kOptions}),
    field<&fealty::api::json_fuzz::Rich::flag>("flag", ""), field<&fealty::api::json_fuzz::Rich::integer>("integer", "", {.min = -1000}),
    field<&fealty::api::json_fuzz::Rich::amount>("amount", "", {.max = 1'000'000}),
    field<&fealty::api::json_fuzz::Rich::maybe>("maybe", ""),
    field<&fealty::api::json_fuzz::Rich::patch>("patch", "", {.omit_empty = true}), field<&fealty::api::json_fuzz::Rich::id>("id", ""),
    field<&fealty::api::json_fuzz::Rich::words>("words", "", {.max = 10, .omit_empty = true, .items = &fealty::api::json_fuzz::kItemRules}),
    field<&fealty::api::json_fuzz::Rich::children>("children", "", {.max = 4, .omit_empty = true}),
    field<&fealty::api::json_fuzz::Rich::any>("any", ""))

namespace {

void must(bool good, char const* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fealty::api;
  std::string_view const body(reinterpret_cast<char const*>(data), size);
  std::vector<fealty::Issue> issues;

  JsonTree tree;
  if (tree.parse(body, issues)) {
    std::string text, again;
    tree.root().write(text);
    JsonTree second;
    must(second.parse(text, issues), "a written tree is not read again");
    second.root().write(again);
    must(text == again, "a tree changes when it is written and read");
  } else {
    must(!issues.empty(), "a refusal without a reason");
  }

  json_fuzz::Rich value;
  issues.clear();
  bool const good = from_json(body, value, issues);
  must(good == issues.empty(), "the answer and the list of problems differ");
  must(issues.size() <= kRequestIssuesMax + 1, "the list of problems has no end");
  if (!good) return 0;
  std::string const text = to_json(value);
  json_fuzz::Rich same;
  must(from_json(text, same, issues), "what is written is not read again");
  must(to_json(same) == text, "a value changes when it is written and read");
  return 0;
}
