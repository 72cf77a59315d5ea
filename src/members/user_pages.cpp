#include "members/user_pages.h"

#include <charconv>
#include <mutex>
#include <numeric>

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

namespace {

// Finds the rows of members, who come in their order from most statements: the one after the last is tried first.
class RowsByMember {
 public:
  explicit RowsByMember(std::vector<FilterRow> const& rows) : order_(rows.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    auto const by_member = [&](std::size_t a, std::size_t b) { return rows[a].member < rows[b].member; };
    // In most communities the numbers rise with the time of joining.
    if (!std::is_sorted(order_.begin(), order_.end(), by_member)) std::sort(order_.begin(), order_.end(), by_member);
    members_.reserve(rows.size());
    for (auto const i : order_) members_.push_back(rows[i].member);
  }
  std::vector<MemberNo> const& members() const { return members_; }
  std::size_t find(MemberNo member) {
    while (at_ < members_.size() && members_[at_] < member) ++at_;
    if (at_ == members_.size() || members_[at_] != member)
      at_ = static_cast<std::size_t>(std::lower_bound(members_.begin(), members_.end(), member) - members_.begin());
    return order_.at(at_);
  }

 private:
  std::vector<std::size_t> order_;
  std::vector<MemberNo> members_;
  std::size_t at_ = 0;
};

bool is_asked(std::vector<AskedColumn> const& columns, std::initializer_list<Column> some) {
  return std::any_of(columns.begin(), columns.end(), [&](AskedColumn const& c) { return std::ranges::find(some, c.column) != some.end(); });
}

}  // namespace

std::vector<FieldNo> asked_fields(std::vector<AskedColumn> const& columns) {
  std::vector<FieldNo> fields;
  for (auto const& c : columns)
    if (c.field && std::ranges::find(fields, c.field->number) == fields.end()) fields.push_back(c.field->number);
  return fields;
}

Details details_of(std::vector<AskedColumn> const& columns) {
  return is_asked(columns, {Column::display_name, Column::phone, Column::country, Column::language, Column::referred_by,
                            Column::last_online, Column::status, Column::id})
             ? Details::all
             : Details::few;
}

PageData load_page_data(sql::Tx& tx, CommunityNo community, std::vector<AskedColumn> const& columns, FilterPage& page) {
  PageData data;
  RowsByMember rows(page.rows);
  auto const& members = rows.members();
  if (is_asked(columns, {Column::xp, Column::coins, Column::premium_currency})) {
    data.amounts.resize(members.size());
    std::vector<ledger::MemberAmount> amounts;
    amounts.reserve(members.size() * PageData::kCurrencies);
    ledger::load_amounts(tx, community, members, amounts);
    for (auto const& a : amounts)
      if (auto const currency = static_cast<std::size_t>(a.currency.value); currency < PageData::kCurrencies)
        data.amounts[rows.find(a.member)][currency] = a.amount;
  }
  if (is_asked(columns, {Column::role})) {
    data.roles.resize(members.size());
    load_sets(tx, community, Slot::Kind::role_set, members,
              [&](MemberNo m, std::string set) { data.roles[rows.find(m)] = std::move(set); });
  }
  if (is_asked(columns, {Column::tag})) {
    data.tags.resize(members.size());
    load_sets(tx, community, Slot::Kind::tag_set, members, [&](MemberNo m, std::string set) { data.tags[rows.find(m)] = std::move(set); });
  }
  if (is_asked(columns, {Column::custom})) {
    auto const fields = asked_fields(columns);
    std::unordered_map<FieldNo, std::size_t> places;
    for (auto const field : fields) places.emplace(field, places.size());
    data.values.resize(members.size() * places.size());
    show_values(tx, community, members, [&](MemberNo member, FieldNo field, ValueView value) {
      auto const place = places.find(field);
      if (place == places.end() || !value.present) return;
      value.text = page.keep(value.text);
      data.values[rows.find(member) * places.size() + place->second] = value;
    });
  }
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

// Writes rows of the answer, each column's name as it was made once.
class RowWriter {
 public:
  RowWriter(std::vector<AskedColumn> const& columns, Catalogue const& catalogue, PageData const& data, TimeMs now)
      : catalogue_(catalogue), data_(data), now_(now) {
    auto const fields = asked_fields(columns);
    values_ = fields.size();
    for (auto const& c : columns) {
      Cell cell{c.column, c.field, {}, {}, 0};
      cell.name = cells_.empty() ? "{" : ",";
      api::write_json_string(cell.name, c.shown);
      cell.name += ':';
      if (c.field) {
        cell.slot = slot_of(*c.field);
        cell.place = static_cast<std::size_t>(std::ranges::find(fields, c.field->number) - fields.begin());
      }
      cells_.push_back(std::move(cell));
    }
  }

  void write(std::string& out, FilterRow const& row, std::size_t index) const {
    if (cells_.empty()) out += '{';
    for (auto const& cell : cells_) {
      out += cell.name;
      write_cell(out, cell, row, index);
    }
    out += '}';
  }

 private:
  struct Cell {
    Column column;
    CustomField const* field;
    Slot slot;
    std::string name;
    std::size_t place;
  };

  static void text(std::string& out, std::optional<std::string_view> value) {
    if (value)
      api::write_json_string(out, *value);
    else
      out += "null";
  }
  static void number_text(std::string& out, std::int64_t value) {
    char digits[24];
    out += '"';
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    out += '"';
  }
  static void time(std::string& out, std::optional<TimeMs> value) {
    if (!value) {
      out += "null";
      return;
    }
    out += '"';
    append_iso(out, *value);
    out += '"';
  }
  void balance(std::string& out, std::size_t index, CurrencyNo currency) const {
    data_.amounts[index][static_cast<std::size_t>(currency.value)].append_to(out);
  }
  static void names(std::string& out, std::string const& set, std::vector<NamedNumber> const& known) {
    out += '[';
    bool first = true;
    for (auto const& name : set.empty() ? std::vector<std::string>() : names_in_set(set, known)) {
      if (!std::exchange(first, false)) out += ',';
      api::write_json_string(out, name);
    }
    out += ']';
  }

  void write_cell(std::string& out, Cell const& cell, FilterRow const& row, std::size_t index) const {
    if (is_hidden(row, cell.column)) return text(out, kHiddenText);
    switch (cell.column) {
      case Column::email: text(out, row.email); return;
      case Column::username: text(out, row.username); return;
      case Column::id: text(out, PublicId::of(row.member.value, row.account_created_at).to_string()); return;
      case Column::user_id: number_text(out, row.member.value); return;
      case Column::first_name: text(out, row.first_name); return;
      case Column::last_name: text(out, row.last_name); return;
      case Column::display_name: text(out, row.display_name); return;
      case Column::phone: text(out, row.phone); return;
      case Column::country: text(out, row.country); return;
      case Column::language: row.language ? text(out, language_name(*row.language)) : text(out, std::nullopt); return;
      case Column::join_date: time(out, row.joined_at); return;
      case Column::last_online: time(out, row.last_online_at); return;
      case Column::referred_by: row.referred_by ? number_text(out, *row.referred_by) : text(out, std::nullopt); return;
      case Column::status: text(out, to_string(state_at(row.state, row.until, now_))); return;
      case Column::xp: balance(out, index, ledger::kXp); return;
      case Column::coins: balance(out, index, ledger::kCoins); return;
      case Column::premium_currency: balance(out, index, ledger::kPremium); return;
      case Column::role: names(out, data_.roles[index], catalogue_.roles); return;
      case Column::tag: names(out, data_.tags[index], catalogue_.tags); return;
      case Column::custom: {
        auto const& stored = data_.values[index * values_ + cell.place];
        write_value(out, cell.slot, stored.present ? stored : ValueView(cell.field->default_value), catalogue_);
        return;
      }
    }
  }

  Catalogue const& catalogue_;
  PageData const& data_;
  TimeMs now_;
  std::vector<Cell> cells_;
  std::size_t values_ = 0;  // of each row
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

// Skipping so many rows of an index is no work.
constexpr std::int64_t kQuickSkipMax = 5 * kFilterPageSize;
constexpr std::size_t kRowBytes = 256;  // of a row of the answer, roughly

std::string question_of(api::Context const& context, PageQuestion const& question) {
  return std::to_string(context.community.value) + ":" + question.about();
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

api::Json UserPages::read(sql::Tx& tx, api::Context const& context, FilterFacts const& facts, std::vector<AskedColumn> const& columns,
                          std::vector<Condition> const& conditions, PageQuestion const& question) {
  auto const cursor = question.cursor ? read_walk(question_of(context, question), *question.cursor, context.now) : std::nullopt;
  std::int64_t const number = cursor ? cursor->page : question.page.value_or(1);
  std::int64_t const skip = cursor ? 0 : (number - 1) * kFilterPageSize;
  bool const one = names_one(conditions), takes_catalogue = is_asked(columns, {Column::role, Column::tag, Column::custom});
  // One member, or the next 200 of all: anything else may have to go through many.
  if (!one && (!conditions.empty() || takes_catalogue || skip > kQuickSkipMax)) context.may_take_long();
  auto const after = cursor ? std::optional(FilterPlace{cursor->joined_at, cursor->member}) : std::nullopt;
  FilterPage page;
  filter_page(tx, context.community, conditions, after, skip, kFilterPageSize + 1, context.now, details_of(columns), page,
              [&] { context.may_take_long(); });
  bool const more = page.rows.size() > static_cast<std::size_t>(kFilterPageSize);
  if (more) page.rows.pop_back();

  std::int64_t total = 0;
  if (cursor) {
    total = cursor->total;
  } else if (!more && (number == 1 || !page.rows.empty())) {
    total = skip + static_cast<std::int64_t>(page.rows.size());
  } else if (auto const known = totals_->find(context.community, question.about(), context.now)) {
    total = *known;
  } else {
    context.may_take_long();
    total = count(tx, context, conditions, question.about());
  }

  auto const data = load_page_data(tx, context.community, columns, page);
  static Catalogue const kNone;
  RowWriter const writer(columns, takes_catalogue ? facts.catalogue() : kNone, data, context.now);
  api::Json out{"{\"users\":["};
  out.text.reserve(page.rows.size() * kRowBytes + kRowBytes);
  for (std::size_t i = 0; i < page.rows.size(); ++i) {
    if (i > 0) out.text += ',';
    writer.write(out.text, page.rows[i], i);
  }
  out.text += "],\"total\":" + std::to_string(total) +
              ",\"total_pages\":" + std::to_string((total + kFilterPageSize - 1) / kFilterPageSize) +
              ",\"current_page\":" + std::to_string(number);
  if (more) {
    auto const& last = page.rows.back();
    out.text += ",\"next_cursor\":";
    api::write_json_string(
        out.text, api::write_cursor(question_of(context, question), {{last.joined_at, last.member.value, total, number + 1}}, context.now));
  }
  out.text += '}';
  return out;
}

std::int64_t UserPages::count(sql::Tx& tx, api::Context const& context, std::vector<Condition> const& conditions,
                              std::string const& about) {
  auto const total = filter_count(tx, context.community, conditions, context.now);
  totals_->keep(context.community, about, total, context.now);
  return total;
}

}  // namespace fealty::members
