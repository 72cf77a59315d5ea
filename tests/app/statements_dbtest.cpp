// Every statement of the program prepares on both engines, against the schema that the migrations make.
#include "app/serve.h"
#include "jobs/idempotency.h"
#include "support/database.h"

namespace fealty::app {

class Statements : public fealty::test::DatabaseTest {};
FEALTY_ON_BOTH_ENGINES(Statements);

TEST_P(Statements, PrepareOnTheMigratedSchema) {
  // The document needs all rooms: so the linker keeps every store, and each has registered its statements.
  ASSERT_FALSE(openapi_text().empty());
  EXPECT_GT(sql::Statement::all().size(), 60u);
  EXPECT_EQ(sql::prepare_all(db()), std::vector<std::string>{});
}

}  // namespace fealty::app
