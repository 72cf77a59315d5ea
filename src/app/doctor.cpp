#include "app/doctor.h"

#include <filesystem>

#include "app/installation.h"
#include "jobs/bulk_check.h"
#include "ledger/ledger.h"
#include "members/members.h"

namespace fealty::app {
namespace {

constexpr std::size_t kFindingsPerCommunity = 20;

void check_balances(sql::Database& database, std::vector<Finding>& out) {
  auto const communities = database.read([](sql::Tx& tx) { return members::community_numbers(tx); });
  std::size_t wrong = 0;
  for (auto const& [number, id] : communities) {
    auto const mismatches = database.read([&](sql::Tx& tx) { return ledger::audit_balances(tx, number, kFindingsPerCommunity); });
    for (auto const& m : mismatches)
      out.push_back({false, "balances",
                     "Community " + id.to_string() + ", member " + std::to_string(m.member.value) + ", currency " +
                         std::to_string(m.currency.value) + ": " + m.what + "."});
    wrong += mismatches.size();
  }
  if (wrong == 0)
    out.push_back({true, "balances",
                   "Every balance equals the sum of its entries (" + std::to_string(communities.size()) +
                       (communities.size() == 1 ? " community)." : " communities).")});
}

void check_jobs(StorageSettings const& settings, sql::Database& database, std::vector<Finding>& out) {
  jobs::FileStore const files(uploads_folder(settings));
  std::size_t wrong = 0;
  for (auto& problem : database.read([&](sql::Tx& tx) { return jobs::check_jobs(tx, files); })) {
    out.push_back({false, "jobs", std::move(problem)});
    ++wrong;
  }
  if (wrong == 0) out.push_back({true, "jobs", "Counters of all bulk jobs fit their rows, and every unfinished job has its file."});
}

}  // namespace

std::vector<Finding> examine(StorageSettings const& settings, sql::Database& database) {
  std::vector<Finding> out;
  out.push_back({true, "database", database.version() + ", reachable."});
  int const present = sql::schema_version(database), wanted = sql::migrations().back().version;
  if (present != wanted) {
    out.push_back({false, "schema",
                   "The database has schema " + std::to_string(present) + ", this program works with " + std::to_string(wanted) +
                       ". Run: fealty migrate"});
    return out;
  }
  out.push_back({true, "schema", "Schema " + std::to_string(present) + " is up to date."});
  std::error_code error;
  auto const space = std::filesystem::space(settings.data, error);
  if (error)
    out.push_back({false, "disk", "The data folder " + settings.data + " cannot be read: " + error.message() + "."});
  else
    out.push_back({space.available > 512ull << 20, "disk",
                   std::to_string(space.available >> 20) + " MiB are free in the data folder" +
                       (space.available > 512ull << 20 ? "." : "; one upload can take 512 MiB.")});
  check_balances(database, out);
  check_jobs(settings, database, out);
  return out;
}

}  // namespace fealty::app
