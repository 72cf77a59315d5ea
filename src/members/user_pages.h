// Pages of members who fit conditions: what users/filter, segments and exports read. Rules without SQL.
#pragma once
#include <map>
#include <memory>
#include <unordered_map>

#include "api/context.h"
#include "members/users_filter.h"
#include "members/users_filter_store.h"

namespace fealty::members {

// What a page's members have beside their memberships, as far as it was asked for.
struct PageData {
  std::unordered_map<MemberNo, Account> accounts;
  std::map<std::pair<MemberNo, CurrencyNo>, Decimal> balances;
  std::unordered_map<MemberNo, std::string> roles, tags;
  std::map<std::pair<MemberNo, FieldNo>, Value> values;  // own ones
};
PageData load_page_data(sql::Tx& tx, CommunityNo community, std::vector<AskedColumn> const& columns, std::vector<FilterRow> const& rows);

// Whether e-mail, first name or last name of this member are hidden, and the column is one of these.
bool is_hidden(FilterRow const& row, Column column);

// Conditions on what storage looks up by an index of its own: an account or an identifier's holder.
std::optional<Error> look_up(sql::Tx& tx, CommunityNo community, std::vector<Condition>& conditions);

// The published columns, and the two ids.
extern std::vector<std::string> const kColumnsDefault;

struct PageQuestion {
  // What cursors and totals belong to, such as "users.filter:" and the hash of the filter; the community is added.
  std::string about;
  std::optional<std::string> cursor = {};
  std::optional<std::int64_t> page = {};
};
// Storage is not needed to see these.
std::optional<Error> problem_of(api::Context const& context, PageQuestion const& question);

class TotalsCache;

// Any thread.
class UserPages {
 public:
  UserPages();
  ~UserPages();
  // Conditions are looked up already.
  FilterOut read(sql::Tx& tx, api::Context const& context, Catalogue const& catalogue, std::vector<AskedColumn> const& columns,
                 std::vector<Condition> const& conditions, PageQuestion const& question);
  // All who fit, counted now.
  std::int64_t count(sql::Tx& tx, api::Context const& context, std::vector<Condition> const& conditions, std::string const& about);

 private:
  std::unique_ptr<TotalsCache> totals_;
};

}  // namespace fealty::members
