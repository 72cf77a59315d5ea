#include "support/ground.h"

#include <algorithm>
#include <sstream>

namespace fealty::test {
namespace {

struct Column {
  std::string name;
  bool is_number = false;
};
struct Table {
  std::string name;
  std::vector<Column> columns;
};

// Read from the texts of the migrations: a new table or column is looked at without a word here.
std::vector<Table> tables() {
  std::vector<Table> all;
  for (auto const& migration : sql::migrations()) {
    std::istringstream lines{std::string(migration.text)};
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
      constexpr std::string_view kCreate = "CREATE TABLE ";
      std::istringstream words(line);
      std::string alter, keyword, table, verb, noun, name, type;
      words >> alter >> keyword >> table >> verb >> noun >> name >> type;
      auto const known = std::find_if(all.begin(), all.end(), [&](Table const& t) { return t.name == table || t.name + ";" == table; });
      auto const bare = [](std::string const& word) { return word.substr(0, word.find(';')); };
      if (alter == "DROP" && keyword == "TABLE") all.erase(known);
      if (alter == "ALTER" && verb == "RENAME") known->name = bare(name);
      if (alter == "ALTER" && verb == "ADD") known->columns.push_back({name, bare(type) == "{int}"});
      if (alter == "ALTER" && verb == "DROP") std::erase_if(known->columns, [&](Column const& c) { return c.name == bare(name); });
      if (line.starts_with(kCreate)) {
        all.push_back({line.substr(kCreate.size(), line.find(' ', kCreate.size()) - kCreate.size()), {}});
        inside = true;
      } else if (line.starts_with(")")) {
        inside = false;
      } else if (inside && line.starts_with("  ") && line[2] >= 'a' && line[2] <= 'z') {
        auto const end = line.find(' ', 2);
        all.back().columns.push_back({line.substr(2, end - 2), line.compare(end + 1, 5, "{int}") == 0});
      }
    }
  }
  return all;
}

void each_row(sql::Database& db, Table const& table, std::function<void(sql::Row const&)> const& on_row) {
  std::string names;
  for (auto const& column : table.columns) names += (names.empty() ? "" : ", ") + column.name;
  db.read([&](sql::Tx& tx) { tx.run_text("SELECT " + names + " FROM " + table.name, {}, on_row); });
}

}  // namespace

void run(sql::Database& db, std::string const& text) {
  db.write([&](sql::Tx& tx) { tx.run_text(text, {}, {}); });
}

std::int64_t number(sql::Database& db, std::string const& text) {
  std::int64_t out = 0;
  db.read([&](sql::Tx& tx) { tx.run_text(text, {}, [&](sql::Row const& r) { out = r.integer(0); }); });
  return out;
}

std::string text(sql::Database& db, std::string const& text) {
  std::string out;
  db.read([&](sql::Tx& tx) { tx.run_text(text, {}, [&](sql::Row const& r) { out = r.string(0); }); });
  return out;
}

namespace {
// Records that a room makes later must not get a number that is in use.
void count_past(sql::Database& db, std::string const& counter, std::int64_t number) {
  run(db, "INSERT INTO counters (name, next_value) VALUES ('" + counter + "', " + std::to_string(number + 1) +
              ") ON CONFLICT (name) DO UPDATE SET next_value = CASE WHEN counters.next_value > excluded.next_value THEN "
              "counters.next_value ELSE "
              "excluded.next_value END");
}
}  // namespace

CommunityNo add_community(sql::Database& db, std::int64_t number, std::int64_t owner) {
  auto const n = std::to_string(number);
  count_past(db, "community", number);
  run(db, "INSERT INTO communities (community_id, title, time_zone, owner_id, created_at) VALUES (" + n + ", 'Community " + n +
              "', 'UTC', " + std::to_string(owner) + ", " + std::to_string(kNow) + ")");
  run(db, "INSERT INTO currencies (community_id, currency_id, code, name, kind, position) VALUES (" + n +
              ", 1, 'xp', 'XP', 'progress', 1), (" + n + ", 2, 'coins', 'Coins', 'spendable', 2), (" + n +
              ", 3, 'premium', 'Premium Currency', 'spendable', 3)");
  return {number};
}

std::string email_of(std::int64_t account) { return "m" + std::to_string(account) + "@example.org"; }
std::string username_of(std::int64_t account) { return "user" + std::to_string(account); }

void add_account(sql::Database& db, std::int64_t account, int state) {
  auto const email = email_of(account), username = username_of(account);
  run(db, "INSERT INTO accounts (account_id, email, email_key, username, username_key, state, created_at) VALUES (" +
              std::to_string(account) + ", '" + email + "', '" + email + "', '" + username + "', '" + username + "', " +
              std::to_string(state) + ", " + std::to_string(kNow) + ") ON CONFLICT DO NOTHING");
  count_past(db, "account", account);
}

void add_member(sql::Database& db, CommunityNo community, std::int64_t account, int state) {
  add_account(db, account);
  constexpr int kDeleted = 4;
  run(db, "INSERT INTO memberships (community_id, member_id, state, display_name, joined_at, deleted_at) VALUES (" +
              std::to_string(community.value) + ", " + std::to_string(account) + ", " + std::to_string(state) + ", 'Member " +
              std::to_string(account) + "', " + std::to_string(kNow) + ", " + (state == kDeleted ? std::to_string(kNow) : "NULL") + ")");
}

std::string dump(sql::Database& db, std::vector<std::string> const& except) {
  std::string out;
  for (auto const& table : tables()) {
    if (std::find(except.begin(), except.end(), table.name) != except.end()) continue;
    std::vector<std::string> rows;
    each_row(db, table, [&](sql::Row const& r) {
      std::string row = table.name + ":";
      for (int c = 0; c < static_cast<int>(table.columns.size()); ++c) {
        auto const& column = table.columns[static_cast<std::size_t>(c)];
        row += " " + column.name + "=" +
               (r.is_null(c)       ? "NULL"
                : column.is_number ? std::to_string(r.integer(c))
                                   : "'" + r.string(c) + "'");
      }
      rows.push_back(std::move(row));
    });
    std::sort(rows.begin(), rows.end());
    for (auto const& row : rows) out += row + "\n";
  }
  return out;
}

std::vector<std::string> tables_with(sql::Database& db, std::string_view needle) {
  std::vector<std::string> found;
  for (auto const& table : tables()) {
    bool here = false;
    each_row(db, table, [&](sql::Row const& r) {
      for (int c = 0; c < static_cast<int>(table.columns.size()); ++c)
        here |= !table.columns[static_cast<std::size_t>(c)].is_number && r.text(c).find(needle) != std::string_view::npos;
    });
    if (here) found.push_back(table.name);
  }
  return found;
}

}  // namespace fealty::test
