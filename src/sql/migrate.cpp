#include "sql/sql.h"
#include "sql/tokens.h"

namespace fealty::sql {
namespace {

// Any number that no other program on the same database server is likely to use: "fealty" in ASCII.
constexpr std::int64_t kMigrationLock = 0x6665'616c'7479;

constexpr std::string_view kMakeTable =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version {int} NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at {int} NOT NULL)"
    "{strict}";

std::int64_t number(Tx& tx, std::string_view text) {
  std::int64_t found = 0;
  tx.run_text(text, {}, [&](Row const& r) { found = r.integer(0); });
  return found;
}

int newest_version(Tx& tx) { return static_cast<int>(number(tx, "SELECT coalesce(max(version), 0) FROM schema_migrations")); }

void check_list(std::span<Migration const> list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].version == static_cast<int>(i) + 1) continue;
    throw StorageError(StorageError::Kind::broken, "migration " + std::string(list[i].name) + " breaks the sequence 1, 2, 3 …");
  }
}

// One migration and its version row. False: none is missing.
bool apply_next(Tx& tx, std::span<Migration const> list) {
  if (tx.engine() == Engine::postgres) {
    // Building an index on a grown table may take longer than any statement of a request may.
    tx.run_text("SET LOCAL statement_timeout = 0", {}, {});
    tx.run_text("SELECT pg_advisory_xact_lock($1)", {{param(kMigrationLock)}}, {});
  }
  // On SQLite a write is alone by nature.
  tx.run_text(kMakeTable, {}, {});
  auto const current = newest_version(tx), newest = static_cast<int>(list.size());
  if (current > newest) {
    throw StorageError(StorageError::Kind::broken,
                       "the database has schema version " + std::to_string(current) + ", this program knows versions up to " +
                           std::to_string(newest) +
                           ": start the newer program that migrated it, or restore a backup from before that migration");
  }
  if (current == newest) return false;
  auto const& migration = list[static_cast<std::size_t>(current)];
  for (auto const& statement : split_statements(migration.text)) {
    try {
      tx.run_text(statement, {}, {});
    } catch (StorageError const& e) {
      throw StorageError(e.kind(), "migration " + std::string(migration.name) + ": " + e.what() + " in: " + statement);
    }
  }
  Param const row[] = {param(migration.version), param(migration.name)};
  tx.run_text("INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, {now_ms})", row, {});
  return true;
}

}  // namespace

int migrate(Database& database, std::span<Migration const> list) {
  check_list(list);
  int applied = 0;
  while (database.write([&](Tx& tx) { return apply_next(tx, list); }, {.alone = true})) ++applied;
  return applied;
}

int schema_version(Database& database) {
  return database.read([](Tx& tx) {
    auto const exists = tx.engine() == Engine::sqlite
                            ? number(tx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'")
                            : number(tx, "SELECT to_regclass('schema_migrations') IS NOT NULL");
    return exists == 0 ? 0 : newest_version(tx);
  });
}

}  // namespace fealty::sql
