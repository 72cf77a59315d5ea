#include "sql/postgres/append.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fealty::sql::postgres {
namespace {

using testing::HasSubstr;

constexpr char kText[] = "INSERT INTO things (community_id, thing_id, name, made_at) SELECT $1, r.t, r.n, $2 FROM {rows r: t int, n text}";

TEST(Append, NamesTheColumnsOfTheInsert) {
  auto const plan = plan_copy(kText);
  EXPECT_EQ(plan.text, "COPY things (community_id, thing_id, name, made_at) FROM STDIN (FORMAT binary)");
  ASSERT_EQ(plan.sources.size(), 4u);
  EXPECT_TRUE(plan.sources[0].is_parameter);
  EXPECT_EQ(plan.sources[0].index, 0u);
  EXPECT_FALSE(plan.sources[1].is_parameter);
  EXPECT_EQ(plan.sources[2].index, 1u);
  EXPECT_EQ(plan.sources[3].index, 1u);
}

TEST(Append, RefusesWhatDoesMoreThanAppend) {
  for (auto const* text :
       {"UPDATE things SET name = $1", "INSERT INTO things (a) SELECT lower(r.n) FROM {rows r: n text}",
        "INSERT INTO things (a) SELECT r.x FROM {rows r: n text}", "INSERT INTO things (a) SELECT $0 FROM {rows r: n text}"})
    EXPECT_THROW(plan_copy(text), std::logic_error) << text;
}

TEST(Append, WritesNullsIntegersAndTexts) {
  Batch batch{Batch::Type::integer, Batch::Type::text};
  batch.add(std::int64_t{258}, "ab");
  batch.add(nullptr, nullptr);
  Param const params[] = {param(std::int64_t{-1}), param(nullptr)};
  std::string out;
  write_copy(plan_copy(kText), params, batch, [&](std::string_view piece) { out += piece; });
  using namespace std::string_view_literals;
  EXPECT_EQ(out,
            "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
            "\0\4\0\0\0\10\377\377\377\377\377\377\377\377\0\0\0\10\0\0\0\0\0\0\1\2\0\0\0\2"
            "ab\377\377\377\377"
            "\0\4\0\0\0\10\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377"
            "\377\377"sv);
}

}  // namespace
}  // namespace fealty::sql::postgres
