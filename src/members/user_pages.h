// Pages of members who fit conditions: what users/filter, segments and exports read. Rules without SQL.
#pragma once
#include <array>
#include <memory>

#include "api/context.h"
#include "members/users_filter.h"
#include "members/users_filter_store.h"

namespace fealty::members {

// What a page's members have beside their memberships, by row, as far as it was asked for. It views the texts of its page.
struct PageData {
  static constexpr std::size_t kCurrencies = static_cast<std::size_t>(ledger::kPremium.value) + 1;
  std::vector<std::array<Decimal, kCurrencies>> amounts;
  std::vector<std::string> roles, tags;
  // Own ones; of each row as many as custom fields are asked for, in the order of asked_fields().
  std::vector<ValueView> values;
};
PageData load_page_data(sql::Tx& tx, CommunityNo community, std::vector<AskedColumn> const& columns, FilterPage& page);
// The custom fields of columns, each once: a field may be asked for by two names.
std::vector<FieldNo> asked_fields(std::vector<AskedColumn> const& columns);
// How much of a membership these columns show.
Details details_of(std::vector<AskedColumn> const& columns);

// Whether e-mail, first name or last name of this member are hidden, and the column is one of these.
bool is_hidden(FilterRow const& row, Column column);

// Conditions on what storage looks up by an index of its own: an account or an identifier's holder.
std::optional<Error> look_up(sql::Tx& tx, CommunityNo community, std::vector<Condition>& conditions);

// The published columns, and the two ids.
extern std::vector<std::string> const kColumnsDefault;

struct PageQuestion {
  // What cursors and totals belong to, such as "users.filter:" and the hash of the filter; the community is added. Asked for only
  // where there is a cursor or a total: most filters that name somebody need neither.
  std::function<std::string()> about;
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
  // The text of a FilterOut. Conditions are looked up already.
  api::Json read(sql::Tx& tx, api::Context const& context, FilterFacts const& facts, std::vector<AskedColumn> const& columns,
                 std::vector<Condition> const& conditions, PageQuestion const& question);
  // All who fit, counted now.
  std::int64_t count(sql::Tx& tx, api::Context const& context, std::vector<Condition> const& conditions, std::string const& about);

 private:
  std::unique_ptr<TotalsCache> totals_;
};

}  // namespace fealty::members
