#include <gtest/gtest.h>

#include "app/serve.h"
#include "support/database.h"

namespace fealty {
namespace {

sql::Statement const kPrepared{"test.prepared", "SELECT '', ''",
                               "SELECT statement, CAST(parameter_types AS TEXT) FROM pg_prepared_statements"};

class Statements : public test::DatabaseTest {};
FEALTY_ON_BOTH_ENGINES(Statements);

// A statement can be right on one engine and refused by the other, which says so only when it prepares it.
TEST_P(Statements, ArePreparedByTheEngine) {
  // Named, so that the linker brings every room, and with it every statement, into this program.
  int (*const volatile serve)(app::ServeSettings const&) = &app::serve;
  ASSERT_NE(serve, nullptr);
  ASSERT_GT(sql::Statement::all().size(), 50u);
  EXPECT_EQ(sql::prepare_all(db()), std::vector<std::string>());
}

// Times, ids and amounts have 64 bits. Beside a small literal PostgreSQL takes a parameter for 32 bits, and refuses them.
TEST(StatementParameters, Have64Bits) {
  int (*const volatile serve)(app::ServeSettings const&) = &app::serve;
  ASSERT_NE(serve, nullptr);
  test::TestDatabase one_connection(sql::Engine::postgres, test::TestDatabase::Schema::migrated,
                                    {.url = {}, .readers = 1, .connections_max = 1});
  ASSERT_EQ(sql::prepare_all(one_connection.db()), std::vector<std::string>());
  std::size_t seen = 0;
  std::vector<std::string> narrow;
  one_connection.db().read([&](sql::Tx& tx) {
    tx.each(kPrepared, [&](sql::Row const& r) {
      ++seen;
      if (auto const types = r.string(1); types.find("integer") != std::string::npos) narrow.push_back(r.string(0) + " " + types);
    });
  });
  EXPECT_GT(seen, 50u);
  EXPECT_EQ(narrow, std::vector<std::string>());
}

}  // namespace
}  // namespace fealty
