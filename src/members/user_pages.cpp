#include "members/user_pages.h"

#include <mutex>

#include "api/cursor.h"
#include "api/json_writer.h"
#include "api/typed.h"
#include "base/locale_names.h"
#include "members/member_reference.h"

namespace fealty::members {

// Totals of filters that were counted a moment ago: who walks by page asks for the same one again and again.
class TotalsCache {
 public:
  std::optional<std::int64_t> find(CommunityNo community, std::string const& about, TimeMs now) {
    std::lock_guard lock(mutex_);
    auto const found = totals_.find({community.value, about});
    if (found == totals_.end() || found->second.at > now || now - found->second.at > kKeptMs) return std::nullopt;
    return found->second.total;
  }
  void keep(CommunityNo community, std::string const& about, std::int64_t total, TimeMs now) {
    std::lock_guard lock(mutex_);
    if (totals_.size() >= kTotalsMax) totals_.clear();
    totals_[{community.value, about}] = {total, now};
  }

 private:
  static constexpr TimeMs kKeptMs = 30'000;
  static constexpr std::size_t kTotalsMax = 10'000;
  struct Total {
    std::int64_t total = 0;
    TimeMs at = 0;
  };
  std::mutex mutex_;
  std::map<std::pair<std::int64_t, std::string>, Total> totals_;
};

UserPages::UserPages() : totals_(std::make_unique<TotalsCache>()) {}
UserPages::~UserPages() = default;

std::vector<std::string> const kColumnsDefault = {"email", "first_name", "last_name", "join_date", "xp", "coins", "user_id", "username"};

PageData load_page_data(sql::Tx& tx, CommunityNo community, std::vector<AskedColumn> const& columns, std::vector<FilterRow> const& rows) {
  PageData data;
  std::vector<MemberNo> members;
  for (auto const& row : rows) members.push_back(row.member);
  std::sort(members.begin(), members.end());
  auto const asked = [&](std::initializer_list<Column> some) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](AskedColumn const& c) { return std::ranges::find(some, c.column) != some.end(); });
  };
  if (asked({Column::email, Column::username, Column::id}))
    find_accounts_by_number(tx, members, [&](std::size_t i, Account a) { data.accounts.emplace(members[i], std::move(a)); });
  if (asked({Column::xp, Column::coins, Column::premium_currency})) {
    std::vector<ledger::MemberBalance> balances;
    ledger::load_balances(tx, community, members, balances);
    for (auto const& b : balances) data.balances[{b.member, b.currency}] = b.balance.amount;
  }
  if (asked({Column::role}))
    load_sets(tx, community, Slot::Kind::role_set, members, [&](MemberNo m, std::string set) { data.roles[m] = std::move(set); });
  if (asked({Column::tag}))
    load_sets(tx, community, Slot::Kind::tag_set, members, [&](MemberNo m, std::string set) { data.tags[m] = std::move(set); });
  if (asked({Column::custom}))
    load_values(tx, community, members, [&](StoredValue v) {
      if (v.number)
        data.values[{v.member, v.field}] = {true, true, *v.number, {}};
      else if (v.text)
        data.values[{v.member, v.field}] = Value::of(*std::move(v.text));
    });
  return data;
}

bool is_hidden(FilterRow const& row, Column column) {
  switch (column) {
    case Column::email: return (row.hidden & kHidesEmail) != 0;
    case Column::first_name:
    case Column::last_name: return (row.hidden & kHidesName) != 0;
    default: return false;
  }
}

std::optional<Error> look_up(sql::Tx& tx, CommunityNo community, std::vector<Condition>& conditions) {
  for (auto& c : conditions) {
    if (auto error = look_up(tx, community, c.any)) return error;
    if (c.by_identifier) {
      MemberNo holder;
      find_identifiers(tx, community, c.field, {c.text}, [&](std::size_t, MemberNo m) { holder = m; });
      // Who has no value of his own has no row there.
      if (c.fits_default) continue;
      c.kind = holder ? Condition::Kind::range : Condition::Kind::never;
      c.column = Column::user_id;
      c.low = c.high = holder.value;
    }
    if (!c.by_account) continue;
    std::string_view type;
    if (c.column == Column::email) type = "email";
    if (c.column == Column::username) type = "username";
    if (c.column == Column::id) type = "_id";
    if (c.column == Column::user_id) type = "id";
    auto const account = std::move(find_referenced(tx, community, {{c.text, type, {}}}).front());
    if (!account && account.error().def == &errors::kAmbiguousMember) return account.error();
    c.kind = account ? Condition::Kind::range : Condition::Kind::never;
    if (account) c.low = c.high = account->number.value;
  }
  return std::nullopt;
}

namespace {

class RowWriter {
 public:
  RowWriter(std::vector<AskedColumn> const& columns, Catalogue const& catalogue, PageData const& data, TimeMs now)
      : columns_(columns), catalogue_(catalogue), data_(data), now_(now) {
    for (auto const& c : columns_) slots_.push_back(c.field ? slot_of(*c.field) : Slot());
  }

  std::string write(FilterRow const& row) const {
    std::string out = "{";
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += ',';
      api::write_json_string(out, columns_[i].shown);
      out += ':';
      write_column(out, row, i);
    }
    return out + "}";
  }

 private:
  static void text(std::string& out, std::optional<std::string> const& value) {
    if (value)
      api::write_json_string(out, *value);
    else
      out += "null";
  }
  static void time(std::string& out, std::optional<TimeMs> value) { out += value ? "\"" + to_iso(*value) + "\"" : "null"; }
  void balance(std::string& out, FilterRow const& row, CurrencyNo currency) const {
    auto const found = data_.balances.find({row.member, currency});
    (found == data_.balances.end() ? Decimal{} : found->second).append_to(out);
  }
  void names(std::string& out, std::unordered_map<MemberNo, std::string> const& sets, MemberNo member,
             std::vector<NamedNumber> const& known) const {
    auto const set = sets.find(member);
    out += '[';
    bool first = true;
    for (auto const& name : set == sets.end() ? std::vector<std::string>() : names_in_set(set->second, known)) {
      if (!std::exchange(first, false)) out += ',';
      api::write_json_string(out, name);
    }
    out += ']';
  }

  void write_column(std::string& out, FilterRow const& row, std::size_t index) const {
    if (is_hidden(row, columns_[index].column)) return text(out, std::string(kHiddenText));
    switch (columns_[index].column) {
      case Column::email: text(out, data_.accounts.at(row.member).email); return;
      case Column::username: text(out, data_.accounts.at(row.member).username); return;
      case Column::id: text(out, data_.accounts.at(row.member).id().to_string()); return;
      case Column::user_id: text(out, std::to_string(row.member.value)); return;
      case Column::first_name: text(out, row.first_name); return;
      case Column::last_name: text(out, row.last_name); return;
      case Column::display_name: text(out, row.display_name); return;
      case Column::phone: text(out, row.phone); return;
      case Column::country: text(out, row.country); return;
      case Column::language: text(out, row.language ? std::optional(language_name(*row.language)) : std::nullopt); return;
      case Column::join_date: time(out, row.joined_at); return;
      case Column::last_online: time(out, row.last_online_at); return;
      case Column::referred_by: text(out, row.referred_by ? std::optional(std::to_string(*row.referred_by)) : std::nullopt); return;
      case Column::status: text(out, std::string(to_string(state_at(row.state, row.until, now_)))); return;
      case Column::xp: balance(out, row, ledger::kXp); return;
      case Column::coins: balance(out, row, ledger::kCoins); return;
      case Column::premium_currency: balance(out, row, ledger::kPremium); return;
      case Column::role: names(out, data_.roles, row.member, catalogue_.roles); return;
      case Column::tag: names(out, data_.tags, row.member, catalogue_.tags); return;
      case Column::custom: {
        auto const& field = *columns_[index].field;
        auto const found = data_.values.find({row.member, field.number});
        write_value(out, slots_[index], found == data_.values.end() ? field.default_value : found->second, catalogue_);
        return;
      }
    }
  }

  std::vector<AskedColumn> const& columns_;
  Catalogue const& catalogue_;
  PageData const& data_;
  std::vector<Slot> slots_;
  TimeMs now_;
};

// Where a walk stands: behind a member, with what was counted at its beginning.
struct Walk {
  TimeMs joined_at = 0;
  MemberNo member;
  std::int64_t total = 0, page = 0;  // the page that comes next
};
std::optional<Walk> read_walk(std::string_view question, std::string_view cursor, TimeMs now) {
  auto const place = api::read_cursor(question, 4, cursor, now);
  if (!place) return std::nullopt;
  auto const& n = place->numbers;
  return Walk{n[0], {n[1]}, n[2], n[3]};
}

std::string question_of(api::Context const& context, PageQuestion const& question) {
  return std::to_string(context.community.value) + ":" + question.about;
}

}  // namespace

std::optional<Error> problem_of(api::Context const& context, PageQuestion const& question) {
  if (question.cursor && question.page)
    return api::invalid_request({{"/cursor", "conflicting_members", "Send either cursor or page, not both."}});
  if (question.cursor && !read_walk(question_of(context, question), *question.cursor, context.now))
    return Error{&errors::kInvalidCursor, "This cursor is not one of this filter's, or it is older than a day. Begin again without one."};
  if (question.page && *question.page > kFilterPageMax)
    return Error{&errors::kPageTooDeep, "Pages end at 5,000; walk with next_cursor instead."};
  return std::nullopt;
}

FilterOut UserPages::read(sql::Tx& tx, api::Context const& context, Catalogue const& catalogue, std::vector<AskedColumn> const& columns,
                          std::vector<Condition> const& conditions, PageQuestion const& question) {
  auto const asked = question_of(context, question);
  auto const cursor = question.cursor ? read_walk(asked, *question.cursor, context.now) : std::nullopt;
  std::int64_t const page = cursor ? cursor->page : question.page.value_or(1);
  auto const after = cursor ? std::optional(FilterPlace{cursor->joined_at, cursor->member}) : std::nullopt;
  auto rows =
      filter_page(tx, context.community, conditions, after, cursor ? 0 : (page - 1) * kFilterPageSize, kFilterPageSize + 1, context.now);
  bool const more = rows.size() > static_cast<std::size_t>(kFilterPageSize);
  if (more) rows.pop_back();

  FilterOut out;
  out.current_page = page;
  if (cursor) {
    out.total = cursor->total;
  } else if (!more && (page == 1 || !rows.empty())) {
    out.total = (page - 1) * kFilterPageSize + static_cast<std::int64_t>(rows.size());
  } else if (auto const known = totals_->find(context.community, question.about, context.now)) {
    out.total = *known;
  } else {
    out.total = count(tx, context, conditions, question.about);
  }
  out.total_pages = (out.total + kFilterPageSize - 1) / kFilterPageSize;
  if (more)
    out.next_cursor = api::write_cursor(asked, {{rows.back().joined_at, rows.back().member.value, out.total, page + 1}}, context.now);
  auto const data = load_page_data(tx, context.community, columns, rows);
  RowWriter const writer(columns, catalogue, data, context.now);
  out.users.reserve(rows.size());
  for (auto const& row : rows) out.users.push_back({writer.write(row)});
  return out;
}

std::int64_t UserPages::count(sql::Tx& tx, api::Context const& context, std::vector<Condition> const& conditions,
                              std::string const& about) {
  auto const total = filter_count(tx, context.community, conditions, context.now);
  totals_->keep(context.community, about, total, context.now);
  return total;
}

}  // namespace fealty::members
