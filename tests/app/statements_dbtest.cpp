#include <gtest/gtest.h>

#include "app/serve.h"
#include "support/database.h"

namespace fealty {
namespace {

class Program : public test::DatabaseTest {};
FEALTY_ON_BOTH_ENGINES(Program);

// A statement can be right on one engine and refused by the other, which says so only when it prepares it.
TEST_P(Program, PreparesAllItsStatements) {
  // Named, so that the linker brings every room, and with it every statement, into this program.
  int (*const volatile serve)(app::ServeSettings const&) = &app::serve;
  ASSERT_NE(serve, nullptr);
  ASSERT_GT(sql::Statement::all().size(), 50u);
  EXPECT_EQ(sql::prepare_all(db()), std::vector<std::string>());
}

}  // namespace
}  // namespace fealty
