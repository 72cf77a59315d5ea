#include "app/doctor.h"

#include <filesystem>
#include <map>

#include "app/installation.h"
#include "jobs/bulk_check.h"
#include "ledger/ledger.h"
#include "members/history_check.h"
#include "members/members.h"

namespace fealty::app {
namespace {

constexpr std::size_t kFindingsMax = 100;  // of one check: more tell no more

using CommunityNames = std::map<CommunityNo, std::string>;

std::string name_of(CommunityNames const& names, CommunityNo community) {
  auto const found = names.find(community);
  return "Community " + (found == names.end() ? "number " + std::to_string(community.value) + ", which is not there" : found->second);
}

void check_balances(sql::Database& database, CommunityNames const& names, std::vector<Finding>& out) {
  auto const mismatches = database.read([&](sql::Tx& tx) { return ledger::audit_balances(tx, {}, kFindingsMax); });
  for (auto const& m : mismatches)
    out.push_back({false, "balances",
                   name_of(names, m.community) + ", member " + std::to_string(m.member.value) + ", currency " +
                       std::to_string(m.currency.value) + ": " + m.what +
                       ". Keep a copy of the installation before anything else; the entries of the last backup that was in "
                       "order tell which side is right."});
  if (mismatches.empty())
    out.push_back({true, "balances",
                   "Every balance equals the sum of its entries and the end of its chain (" + std::to_string(names.size()) +
                       (names.size() == 1 ? " community)." : " communities).")});
}

void check_histories(sql::Database& database, CommunityNames const& names, std::vector<Finding>& out) {
  auto const broken = database.read([&](sql::Tx& tx) { return members::audit_histories(tx, kFindingsMax); });
  for (auto const& b : broken)
    out.push_back({false, "histories",
                   name_of(names, b.community) + ", member " + std::to_string(b.member.value) + ", field " + std::to_string(b.field.value) +
                       ": " + b.what + ". The value itself may be right: compare it with the last backup that was in order."});
  if (broken.empty()) out.push_back({true, "histories", "Every history item is on its value's chain."});

  auto const wrong = database.read([&](sql::Tx& tx) { return members::audit_history_spans(tx, kFindingsMax); });
  for (auto const& w : wrong)
    out.push_back({false, "histories",
                   name_of(names, w.community) +
                       (w.member  ? ", member " + std::to_string(w.member.value)
                        : w.field ? ", field " + std::to_string(w.field.value)
                                  : std::string()) +
                       " has " + std::to_string(w.items) + " history items, and lists know of " + std::to_string(w.in_spans) +
                       ". No value is wrong; keep a copy of the installation, and compare with the last backup that was in order."});
  if (wrong.empty()) out.push_back({true, "histories", "Lists of histories find every item once."});
}

void check_jobs(StorageSettings const& settings, sql::Database& database, std::vector<Finding>& out) {
  jobs::FileStore const files(uploads_folder(settings));
  auto problems = jobs::check_jobs(database, files, {.servers_run = !settings.is_sqlite() || DataLock::is_held(settings.data)});
  for (auto& problem : problems) out.push_back({false, "jobs", std::move(problem)});
  if (problems.empty())
    out.push_back(
        {true, "jobs", "Every row of every bulk job took effect as it is counted; files and jobs belong together; no job stands still."});
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
  CommunityNames names;
  for (auto const& [number, id] : database.read([](sql::Tx& tx) { return members::community_numbers(tx); })) names[number] = id.to_string();
  check_balances(database, names, out);
  check_histories(database, names, out);
  check_jobs(settings, database, out);
  return out;
}

}  // namespace fealty::app
