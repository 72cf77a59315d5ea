// Ground rows for tests (communities, accounts, memberships), written as plain SQL so that no room's own code makes what
// another room's test relies on; and a look at whole databases.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::test {

inline constexpr TimeMs kNow = 1'775'552'400'000;  // 2026-04-07T09:00:00Z

// Statements that a test makes itself: the tokens of migrations work, parameters do not.
void run(sql::Database& db, std::string const& text);
std::int64_t number(sql::Database& db, std::string const& text);
std::string text(sql::Database& db, std::string const& text);

// A community with XP, Coins and Premium Currency, owned by account `owner`.
CommunityNo add_community(sql::Database& db, std::int64_t number, std::int64_t owner = 0);
std::string email_of(std::int64_t account);     // "m<account>@example.org"
std::string username_of(std::int64_t account);  // "user<account>"
// States are the numbers of members/members.h.
void add_account(sql::Database& db, std::int64_t account, int state = 0);
// The account is made when there is none.
void add_member(sql::Database& db, CommunityNo community, std::int64_t account, int state = 0);

// Every row of every table that the migrations make, sorted; `except` names tables to leave out. Equal dumps are equal
// databases.
std::string dump(sql::Database& db, std::vector<std::string> const& except = {});
// Tables that hold `needle` somewhere in a text or blob column.
std::vector<std::string> tables_with(sql::Database& db, std::string_view needle);

}  // namespace fealty::test
