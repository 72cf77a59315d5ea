#include "members/users_filter_store.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <tuple>

#include "base/text.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;
using Kind = Condition::Kind;

// Invited and deleted members are in no list. (As two comparisons: SQLite looks a list of three up in a table of its own.)
#define LISTED "m.community_id = $1 AND m.state <> 1 AND m.state <> 4"
#define FEW "m.member_id, m.joined_at, m.hidden, m.first_name, m.last_name"
#define ALL FEW ", m.state, m.state_until, m.display_name, m.phone, m.country, m.language, m.referred_by, m.last_online_at"
#define FEW_OF_ACCOUNT ", a.email, a.username"
#define ALL_OF_ACCOUNT FEW_OF_ACCOUNT ", a.created_at"
#define ORDERED "ORDER BY m.joined_at, m.member_id"
// PostgreSQL joins the accounts of a page that is cut already, one look-up by key for each row: a join of the whole tables would
// be planned by what they held when it was planned.
#define LATERAL_ACCOUNT "LATERAL (SELECT created_at, email, username FROM accounts WHERE account_id = m.member_id OFFSET 0) a "
// Along the index memberships_by_joining, behind one place and up to another. Walks without conditions are the most common ones by
// far: they are prepared once.
#define WALK LISTED " AND (m.joined_at, m.member_id) > ($2, $3) AND (m.joined_at, m.member_id) <= ($4, $5) "
#define WALK_END ORDERED " LIMIT $6 OFFSET $7"
#define PAGE(columns, of_account)                                                                                                  \
  "SELECT " columns of_account " FROM memberships m CROSS JOIN accounts a WHERE " WALK "AND a.account_id = m.member_id " WALK_END, \
      "SELECT " columns of_account " FROM (SELECT " columns " FROM memberships m WHERE " WALK WALK_END                             \
      ") m CROSS JOIN " LATERAL_ACCOUNT ORDERED
Statement const kPage{"users.page", PAGE(FEW, FEW_OF_ACCOUNT)};
Statement const kPageOfAll{"users.page_of_all", PAGE(ALL, ALL_OF_ACCOUNT)};
#undef PAGE
// The next places of such a walk, which the index knows, listed or not; and everybody listed whose number lies in a range. For
// SQLite: where numbers rise with the time of joining, to go through them costs half of looking up one after the other, and
// storage never goes through many who are not listed at one go.
Statement const kPlaces{"users.places",
                        "SELECT m.member_id, m.joined_at FROM memberships m WHERE m.community_id = $1 "
                        "AND (m.joined_at, m.member_id) > ($2, $3) " ORDERED " LIMIT $4"};
#define BETWEEN(columns, of_account)                                                     \
  "SELECT " columns of_account " FROM memberships m CROSS JOIN accounts a WHERE " LISTED \
  " AND m.member_id BETWEEN $2 AND $3 AND a.account_id = m.member_id ORDER BY m.member_id"
Statement const kBetween{"users.between", BETWEEN(FEW, FEW_OF_ACCOUNT)};
Statement const kBetweenOfAll{"users.between_of_all", BETWEEN(ALL, ALL_OF_ACCOUNT)};
#undef BETWEEN
// Where the member stands is looked at afterwards: planned while there were no members, PostgreSQL would go along the index of
// joining for ever.
#define ONE(columns, of_account) \
  "SELECT " columns of_account " FROM memberships m CROSS JOIN accounts a WHERE " LISTED " AND m.member_id = $2 AND a.account_id = $2"
Statement const kOne{"users.one", ONE(FEW, FEW_OF_ACCOUNT)};
Statement const kOneOfAll{"users.one_of_all", ONE(ALL, ALL_OF_ACCOUNT)};
#undef ONE
Statement const kCount{"users.count", "SELECT count(*) FROM memberships m WHERE " LISTED};
// How many have a role or a tag, counted up to a limit.
Statement const kRoleHolders{
    "users.role_holders", "SELECT count(*) FROM (SELECT 1 AS one FROM member_roles WHERE community_id = $1 AND role_id = $2 LIMIT $3) x"};
Statement const kTagHolders{"users.tag_holders",
                            "SELECT count(*) FROM (SELECT 1 AS one FROM member_tags WHERE community_id = $1 AND tag_id = $2 LIMIT $3) x"};

// So few holders of a role are looked at one by one and sorted; of more than these, a page of 200 is found faster by going
// through the members in their order, even in a community of a million.
constexpr std::int64_t kHoldersMax = 20'000;

void read_row(Row const& r, Details details, FilterPage& page) {
  auto const text = [&](int column) {
    return r.is_null(column) ? std::nullopt : std::optional<std::string_view>(page.keep(r.text(column)));
  };
  FilterRow& out = page.rows.emplace_back();
  out.member = {r.integer(0)};
  out.joined_at = r.integer(1);
  out.hidden = r.integer(2);
  out.first_name = text(3);
  out.last_name = text(4);
  int account = 5;
  if (details == Details::all) {
    out.state = static_cast<MembershipState>(r.integer(5));
    out.until = r.optional_integer(6);
    out.display_name = text(7);
    out.phone = text(8);
    out.country = text(9);
    out.language = text(10);
    out.referred_by = r.optional_integer(11);
    out.last_online_at = r.optional_integer(12);
    account = 13;
  }
  out.email = page.keep(r.text(account));
  out.username = page.keep(r.text(account + 1));
  if (details == Details::all) out.account_created_at = r.integer(account + 2);
}

// The rows of members whose places are given, in that order.
void add_range(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, Details details, FilterPage& page) {
  auto const first = static_cast<std::ptrdiff_t>(page.rows.size());
  ledger::MeantMembers meant(members);
  tx.each(
      details == Details::few ? kBetween : kBetweenOfAll,
      [&](Row const& r) {
        if (meant.contain({r.integer(0)})) read_row(r, details, page);
      },
      community, members.front(), members.back());
  auto const by_place = [](FilterRow const& a, FilterRow const& b) {
    return std::tie(a.joined_at, a.member) < std::tie(b.joined_at, b.member);
  };
  if (!std::is_sorted(page.rows.begin() + first, page.rows.end(), by_place))
    std::sort(page.rows.begin() + first, page.rows.end(), by_place);
}

// Of a range at least every second number is one of those that are meant.
bool stand_close(std::vector<MemberNo> const& members) {
  constexpr std::int64_t kSparsest = 2;
  constexpr std::size_t kFewest = 32;
  return members.size() >= kFewest && members.back().value - members.front().value < static_cast<std::int64_t>(members.size()) * kSparsest;
}

// Fills the page from behind `place`, as many places at a time as rows are missing.
void walk(sql::Tx& tx, CommunityNo community, FilterPlace place, std::size_t most, Details details, FilterPage& page,
          std::function<void()> const& on_much) {
  constexpr int kFewRounds = 4;
  std::vector<FilterPlace> places;
  std::vector<MemberNo> members;
  for (int round = 0; page.rows.size() < most; ++round) {
    if (round == kFewRounds) on_much();
    auto const wanted = most - page.rows.size();
    places.clear();
    members.clear();
    tx.each(
        kPlaces, [&](Row const& r) { places.push_back({r.integer(1), {r.integer(0)}}); }, community, place.joined_at, place.member,
        static_cast<std::int64_t>(wanted));
    if (places.empty()) return;
    for (auto const& p : places) members.push_back(p.member);
    std::sort(members.begin(), members.end());
    auto const last = places.back();
    if (stand_close(members))
      add_range(tx, community, members, details, page);
    else
      tx.each(
          details == Details::few ? kPage : kPageOfAll, [&](Row const& r) { read_row(r, details, page); }, community, place.joined_at,
          place.member, last.joined_at, last.member, static_cast<std::int64_t>(wanted), std::int64_t{0});
    if (places.size() < wanted) return;
    place = last;
  }
}

// The text and the parameters of one statement. The conditions must outlive it.
class Query {
 public:
  Query(CommunityNo community, TimeMs now) : now_(now) { add(sql::param(community)); }

  std::string add(sql::Param value) {
    params_.push_back(value);
    return "$" + std::to_string(params_.size());
  }
  std::string number(std::int64_t value) { return add(sql::param(value)); }
  std::string text(std::string const& value) { return add(sql::param(value)); }
  std::string own(std::string value) { return text(kept_.emplace_back(std::move(value))); }

  // FROM and WHERE of all members who fit. `driver` names the condition whose holders are gone through.
  std::string members(std::vector<Condition> const& conditions, Condition const* driver) {
    std::string out = "FROM ";
    if (driver) out += std::string(set_table(*driver)) + " d CROSS JOIN ";
    out += "memberships m WHERE " LISTED;
    if (driver)
      out += " AND d.community_id = $1 AND d." + std::string(set_column(*driver)) + " = " + number(driver->low) +
             " AND m.member_id = d.member_id";
    for (auto const& c : conditions)
      if (&c != driver) out += " AND " + condition(c);
    return out;
  }
  std::span<sql::Param const> params() const { return params_; }

 private:
  static std::string_view set_table(Condition const& c) { return c.column == Column::role ? "member_roles" : "member_tags"; }
  static std::string_view set_column(Condition const& c) { return c.column == Column::role ? "role_id" : "tag_id"; }

  std::string between(std::string const& what, Condition const& c) { return what + " BETWEEN " + number(c.low) + " AND " + number(c.high); }

  std::string condition(Condition const& c) {
    if (!c.negated) return plain(c);
    // What is not stored is not equal to anything, which SQL leaves open.
    return may_be_null(c.column) ? "(" + plain(c) + ") IS NOT TRUE" : "NOT (" + plain(c) + ")";
  }

  static bool may_be_null(Column column) {
    switch (column) {
      case Column::first_name:
      case Column::last_name:
      case Column::display_name:
      case Column::phone:
      case Column::country:
      case Column::language:
      case Column::last_online:
      case Column::referred_by:
      case Column::status: return true;
      default: return false;
    }
  }

  std::string plain(Condition const& c) {
    if (c.kind == Kind::never) return "1 = 0";
    if (c.kind == Kind::always) return "1 = 1";
    if (c.kind == Kind::any) return any(c.any);
    switch (c.column) {
      case Column::first_name: return named(c, "m.first_name");
      case Column::last_name: return named(c, "m.last_name");
      case Column::display_name: return profile(c, "m.display_name");
      case Column::phone: return profile(c, "m.phone");
      case Column::country: return profile(c, "m.country");
      case Column::language: return profile(c, "m.language");
      case Column::join_date: return between("m.joined_at", c);
      case Column::last_online: return c.kind == Kind::empty ? "m.last_online_at IS NULL" : between("m.last_online_at", c);
      case Column::referred_by: return c.kind == Kind::empty ? "m.referred_by IS NULL" : between("m.referred_by", c);
      case Column::email:
        if (c.kind == Kind::part) return "(m.hidden & 2) = 0 AND " + account(c, "a.email_key");
        return "m.member_id = " + number(c.low);
      case Column::username:
        if (c.kind == Kind::part) return account(c, "a.username_key");
        return "m.member_id = " + number(c.low);
      case Column::id:
      case Column::user_id: return "m.member_id = " + number(c.low);
      case Column::status: return status(c);
      case Column::xp: return balance(c, ledger::kXp);
      case Column::coins: return balance(c, ledger::kCoins);
      case Column::premium_currency: return balance(c, ledger::kPremium);
      case Column::role:
      case Column::tag: return set({&c, 1});
      case Column::custom: return custom({&c, 1});
    }
    throw std::logic_error("a column without a condition");
  }

  // Values of a custom field, and roles and tags, are looked up once for all alternatives.
  std::string any(std::vector<Condition> const& all) {
    std::vector<Condition> sets, values;
    std::vector<std::string> fits;
    for (auto const& c : all) {
      bool const is_constant = c.kind == Kind::never || c.kind == Kind::always;
      if (!is_constant && (c.column == Column::role || c.column == Column::tag))
        sets.push_back(c);
      else if (!is_constant && c.column == Column::custom)
        values.push_back(c);
      else
        fits.push_back(plain(c));
    }
    if (!sets.empty()) fits.push_back(set(sets));
    // Their texts must outlive this call.
    if (!values.empty()) fits.push_back(custom(lists_.emplace_back(std::move(values))));
    return "(" + join(fits, " OR ") + ")";
  }

  std::string profile(Condition const& c, std::string const& column) {
    if (c.kind == Kind::part) return contains(c, column);
    return c.kind == Kind::empty ? column + " IS NULL" : column + " = " + text(c.text);
  }
  // SQLite folds ASCII alone, so the text as it was written counts too.
  std::string contains(Condition const& c, std::string const& column) {
    auto const folded = own("%" + like_literal(fold_case(c.text)) + "%"), written = own("%" + like_literal(c.text) + "%");
    return "(lower(" + column + ") LIKE " + folded + " ESCAPE '\\' OR " + column + " LIKE " + written + " ESCAPE '\\')";
  }
  // What is kept of accounts is folded.
  std::string account(Condition const& c, std::string const& column) {
    return "EXISTS (SELECT 1 FROM accounts a WHERE a.account_id = m.member_id AND " + column + " LIKE " +
           own("%" + like_literal(fold_case(c.text)) + "%") + " ESCAPE '\\')";
  }
  // Who hides his name is not found by it either.
  std::string named(Condition const& c, std::string const& column) { return "(m.hidden & 1) = 0 AND " + profile(c, column); }

  std::string status(Condition const& c) {
    auto const state = static_cast<MembershipState>(c.low);
    if (state == MembershipState::banned) return "m.state = 3";
    if (state == MembershipState::suspended) return "m.state = 2 AND (m.state_until IS NULL OR m.state_until > " + number(now_) + ")";
    return "(m.state = 0 OR (m.state = 2 AND m.state_until <= " + number(now_) + "))";
  }

  // Who never had an entry has no row, and 0.
  std::string balance(Condition const& c, CurrencyNo currency) {
    std::string const row =
        "FROM balances b WHERE b.community_id = $1 AND b.member_id = m.member_id AND b.currency_id = " + number(currency.value);
    if (c.low > 0 || c.high < 0) return "EXISTS (SELECT 1 " + row + " AND " + between("b.amount", c) + ")";
    // Whoever has no balance that does not fit: PostgreSQL joins this, where it would look up a sum for each member.
    return "NOT EXISTS (SELECT 1 " + row + " AND NOT (" + between("b.amount", c) + "))";
  }

  std::string set(std::span<Condition const> all) {
    auto const& first = all.front();
    std::string const row =
        "EXISTS (SELECT 1 FROM " + std::string(set_table(first)) + " s WHERE s.community_id = $1 AND s.member_id = m.member_id";
    std::vector<std::string> fits, numbers;
    for (auto const& c : all) {
      if (c.kind == Kind::empty)
        fits.push_back("NOT " + row + ")");
      else
        numbers.push_back(number(c.low));
    }
    if (!numbers.empty()) fits.push_back(row + " AND s." + std::string(set_column(first)) + " IN (" + join(numbers, ", ") + "))");
    return "(" + join(fits, " OR ") + ")";
  }

  std::string custom(std::span<Condition const> all) {
    std::string const row =
        "EXISTS (SELECT 1 FROM field_values v WHERE v.community_id = $1 AND v.member_id = m.member_id AND v.field_id = " +
        number(all.front().field.value);
    bool none = false;
    std::vector<std::string> fits;
    for (auto const& c : all) {
      none |= c.kind == Kind::empty || c.fits_default;
      if (c.kind != Kind::empty) fits.push_back(value(c));
    }
    std::string out;
    if (!fits.empty()) out = row + " AND (" + join(fits, " OR ") + "))";
    if (none) out += std::string(out.empty() ? "" : " OR ") + "NOT " + row + " AND (v.number IS NOT NULL OR v.text IS NOT NULL))";
    return "(" + out + ")";
  }

  std::string value(Condition const& c) {
    switch (c.kind) {
      case Kind::range: return between("v.number", c);
      case Kind::text: return "v.text = " + text(c.text);
      case Kind::part: return contains(c, "v.text");
      case Kind::days:
        return "((length(v.text) = 10 AND v.text >= " + text(c.day_low) + " AND v.text <= " + text(c.day_high) +
               ") OR (length(v.text) = 24 AND v.text >= " + text(c.time_low) + " AND v.text <= " + text(c.time_high) + "))";
      default: throw std::logic_error("a custom field has no such condition");
    }
  }

  std::vector<sql::Param> params_;
  std::deque<std::string> kept_;
  std::deque<std::vector<Condition>> lists_;
  TimeMs now_;
};

// The role or tag that the fewest members have, if they are few.
Condition const* driver_of(sql::Tx& tx, CommunityNo community, std::vector<Condition> const& conditions) {
  Condition const* best = nullptr;
  std::int64_t fewest = kHoldersMax;
  for (auto const& c : conditions) {
    if (c.kind != Kind::has || c.negated) continue;
    std::int64_t holders = 0;
    tx.each(
        c.column == Column::role ? kRoleHolders : kTagHolders, [&](Row const& r) { holders = r.integer(0); }, community, c.low,
        kHoldersMax + 1);
    if (holders > fewest) continue;
    fewest = holders;
    best = &c;
  }
  return best;
}

// Whether the condition says who, one by one: by short id, id, e-mail, username or identifier.
bool names_members(Condition const& c) {
  if (c.negated) return false;
  if (c.kind == Kind::any) return std::ranges::all_of(c.any, names_members);
  return c.kind == Kind::range && c.low == c.high &&
         (c.column == Column::user_id || c.column == Column::id || c.column == Column::email || c.column == Column::username);
}

}  // namespace

std::string_view FilterPage::keep(std::string_view text) {
  if (text.empty()) return "";
  auto* const copy = static_cast<char*>(texts_.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

bool names_one(std::vector<Condition> const& conditions) {
  return conditions.size() == 1 && conditions.front().kind == Kind::range && names_members(conditions.front());
}

void filter_page(sql::Tx& tx, CommunityNo community, std::vector<Condition> const& conditions, std::optional<FilterPlace> after,
                 std::int64_t skip, std::int64_t most, TimeMs now, Details details, FilterPage& page,
                 std::function<void()> const& on_much) {
  auto const place = after.value_or(FilterPlace{std::numeric_limits<std::int64_t>::min(), {}});
  bool const few = details == Details::few;
  auto const keep = [&](Row const& r) { read_row(r, details, page); };
  if (conditions.empty() && tx.engine() == sql::Engine::sqlite && skip == 0) {
    page.rows.reserve(static_cast<std::size_t>(most));
    walk(tx, community, place, static_cast<std::size_t>(most), details, page, on_much);
    return;
  }
  if (conditions.empty()) {
    constexpr auto kEnd = std::numeric_limits<std::int64_t>::max();
    tx.each(few ? kPage : kPageOfAll, keep, community, place.joined_at, place.member, kEnd, kEnd, most, skip);
    return;
  }
  if (names_one(conditions)) {
    tx.each(few ? kOne : kOneOfAll, keep, community, conditions.front().low);
    if (page.rows.empty()) return;
    auto const& row = page.rows.front();
    if (skip > 0 || std::tie(row.joined_at, row.member) <= std::tie(place.joined_at, place.member)) page.rows.clear();
    return;
  }
  Query query(community, now);
  // A few members who are named are looked up and sorted. The plus hides the order of joining from SQLite, which would go through
  // everybody in it to save the sorting.
  std::string const joined = std::ranges::any_of(conditions, names_members) ? "+m.joined_at" : "m.joined_at";
  std::string const columns = few ? FEW : ALL;
  std::string text = "SELECT " + columns + " " + query.members(conditions, driver_of(tx, community, conditions));
  text += " AND (" + joined + ", m.member_id) > (" + query.number(place.joined_at) + ", " + query.number(place.member.value) + ")";
  text += " ORDER BY " + joined + ", m.member_id LIMIT " + query.number(most) + " OFFSET " + query.number(skip);
  text = "SELECT " + columns + (few ? FEW_OF_ACCOUNT : ALL_OF_ACCOUNT) + " FROM (" + text + ") m CROSS JOIN ";
  text += tx.engine() == sql::Engine::sqlite ? "accounts a WHERE a.account_id = m.member_id " : LATERAL_ACCOUNT;
  tx.run_text(text + ORDERED, query.params(), keep);
}

std::int64_t filter_count(sql::Tx& tx, CommunityNo community, std::vector<Condition> const& conditions, TimeMs now) {
  std::int64_t count = 0;
  auto const keep = [&](Row const& r) { count = r.integer(0); };
  if (conditions.empty()) {
    tx.each(kCount, keep, community);
    return count;
  }
  Query query(community, now);
  std::string const text = "SELECT count(*) " + query.members(conditions, driver_of(tx, community, conditions));
  tx.run_text(text, query.params(), keep);
  return count;
}

}  // namespace fealty::members
