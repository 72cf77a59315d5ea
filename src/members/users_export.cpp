#include "members/users_export.h"

#include "access/audit.h"
#include "api/csv_cell.h"
#include "api/csv_writer.h"
#include "api/download.h"
#include "api/json_writer.h"
#include "api/typed.h"
#include "base/locale_names.h"
#include "base/text.h"
#include "members/users.h"
#include "members/users_store.h"

namespace fealty::members {
namespace {

// Members that are read at once: few at first, then as many as make about so many bytes. A member has at most some megabytes
// (200 fields of 10,000 characters), and the number grows slowly enough that one wide stretch does not fill the memory.
constexpr std::int64_t kReadFirst = 50, kReadMost = 1'000;
constexpr std::int64_t kReadBytes = 512 * 1024;
constexpr std::string_view kOp = "_op";

struct Header {
  Column column;
  std::string_view name;
  bool is_read;  // by the bulk update
};
constexpr Header kHeaders[] = {
    {Column::user_id, "User ID", true},
    {Column::email, "Email", true},
    {Column::username, "Username", true},
    {Column::first_name, "First Name", true},
    {Column::last_name, "Last Name", true},
    {Column::display_name, "Display Name", true},
    {Column::phone, "Phone", true},
    {Column::country, "Country", true},
    {Column::language, "Language", true},
    {Column::role, "Role", true},
    {Column::tag, "Tag", true},
    {Column::xp, "XP", true},
    {Column::coins, "Coins", true},
    {Column::premium_currency, "Premium Currency", true},
    {Column::join_date, "Join Date", false},
    {Column::last_online, "Last Online", false},
    {Column::referred_by, "Referred By", false},
    {Column::id, "ID", false},
    {Column::status, "Status", false},
};
static_assert(std::size(kHeaders) == static_cast<std::size_t>(Column::custom));

bool is_balance(Column column) { return column == Column::xp || column == Column::coins || column == Column::premium_currency; }

std::size_t currency_of(Column column) {
  auto const currency = column == Column::xp ? ledger::kXp : column == Column::coins ? ledger::kCoins : ledger::kPremium;
  return static_cast<std::size_t>(currency.value);
}

bool is_alive(Catalogue const& catalogue, FieldNo field) {
  return std::ranges::any_of(catalogue.fields, [&](CustomField const& f) { return f.number == field; });
}

std::int64_t bytes_of(PageData const& data) {
  std::size_t bytes = 0;
  for (auto const& value : data.values) bytes += sizeof value + value.text.size();
  for (auto const* sets : {&data.roles, &data.tags})
    for (auto const& set : *sets) bytes += set.size();
  return static_cast<std::int64_t>(bytes);
}

}  // namespace

ExportLayout read_layout(std::optional<std::string> const& layout, std::optional<std::string> const& balances) {
  return {layout == "plain", balances == "overwrite"};
}

std::vector<std::string> export_columns(ExportLayout const& layout, Catalogue const& catalogue) {
  std::vector<std::string> names;
  // A username is a key of the bulk update, and its holder may change it before the file comes back.
  for (auto const& header : kHeaders)
    if (layout.is_plain || header.column != Column::username) names.push_back(column_name(header.column));
  for (auto const& field : catalogue.fields) names.push_back(column_name(field));
  return names;
}

UsersExport::UsersExport(sql::Database& database, CommunityNo community, std::unique_ptr<Catalogue const> catalogue,
                         std::vector<AskedColumn> columns, std::vector<Condition> conditions, ExportLayout layout, TimeMs now)
    : database_(database),
      community_(community),
      catalogue_(std::move(catalogue)),
      columns_(std::move(columns)),
      conditions_(std::move(conditions)),
      layout_(layout),
      now_(now),
      limit_(kReadFirst) {
  // Whoever is to be found again when the file comes back is named by what nobody hides and nobody changes.
  bool const has_id = std::ranges::any_of(columns_, [](AskedColumn const& c) { return c.column == Column::user_id; });
  if (!layout_.is_plain && !has_id) columns_.insert(columns_.begin(), {column_name(Column::user_id), Column::user_id, nullptr});
  auto const fields = asked_fields(columns_);
  fields_ = fields.size();
  for (auto const& column : columns_) {
    Use use{.column = column, .header = layout_.is_plain ? column.shown : header_of(column), .slot = {}};
    if (column.field) {
      use.slot = slot_of(*column.field);
      use.place = static_cast<std::size_t>(std::ranges::find(fields, column.field->number) - fields.begin());
    }
    use.has_operator = !layout_.is_plain && layout_.overwrites_balances && is_balance(column.column);
    use.is_numeric = is_balance(column.column) || (column.field && kind_of(column.field->type) == ValueKind::decimal);
    uses_.push_back(std::move(use));
  }
}

std::string UsersExport::header_of(AskedColumn const& column) const {
  if (column.field) return column.field->name;
  auto const* const header = std::ranges::find(kHeaders, column.column, &Header::column);
  bool const is_read = header->is_read && (!is_balance(column.column) || layout_.overwrites_balances);
  std::string name(header->name);
  // A column "#…" is passed over unless a field is called so.
  auto const is_field = [&] { return std::ranges::any_of(catalogue_->fields, [&](CustomField const& f) { return f.name == name; }); };
  while (!is_read && (name == header->name || is_field())) name.insert(0, "#");
  return name;
}

void UsersExport::read_more() {
  database_.read([&](sql::Tx& tx) {
    current_ = load_catalogue(tx, community_);
    page_ = std::make_unique<FilterPage>();
    filter_page(tx, community_, conditions_, after_, 0, limit_, now_, details_of(columns_), *page_, [] {});
    data_ = load_page_data(tx, community_, columns_, *page_);
  });
  at_ = 0;
  auto const& rows = page_->rows;
  has_ended_ = static_cast<std::int64_t>(rows.size()) < limit_;
  if (rows.empty()) return;
  after_ = {rows.back().joined_at, rows.back().member};
  constexpr std::int64_t kRowBytes = 256;
  auto const each = kRowBytes + bytes_of(data_) / static_cast<std::int64_t>(rows.size());
  limit_ = std::clamp(kReadBytes / each, std::int64_t{1}, std::min(limit_ * 2, kReadMost));
}

void UsersExport::write_header(std::string& out) const {
  api::CsvWriter csv(out, ',', api::CsvWriter::Mark::utf8);
  std::string scratch;
  for (auto const& use : uses_) {
    if (use.has_operator) csv.cell(use.header + std::string(kOp));
    csv.cell(api::escape_for_export(std::string_view(use.header), false, scratch));
  }
  csv.end_row();
}

bool UsersExport::cell(std::string& out, std::size_t index, Use const& use) const {
  FilterRow const& row = page_->rows[index];
  auto const text = [&](std::optional<std::string_view> value) {
    if (value) out = *value;
    return value && !value->empty();
  };
  auto const time = [&](std::optional<TimeMs> value) { return value && text(to_iso(*value)); };
  auto const names = [&](std::string const& set, std::vector<NamedNumber> const& known) {
    return text(join(names_in_set(set, known), ", "));
  };
  switch (use.column.column) {
    case Column::email: return text(row.email);
    case Column::username: return text(row.username);
    case Column::id: return text(PublicId::of(row.member.value, row.account_created_at).to_string());
    case Column::user_id: return text(std::to_string(row.member.value));
    case Column::first_name: return text(row.first_name);
    case Column::last_name: return text(row.last_name);
    case Column::display_name: return text(row.display_name);
    case Column::phone: return text(row.phone);
    case Column::country: return text(row.country);
    case Column::language: {
      if (!row.language) return false;
      // Some names, such as that of Brazilian Portuguese, are no input: their codes are.
      auto const name = language_name(*row.language);
      return text(layout_.is_plain || find_language(name) == row.language ? std::string_view(name) : *row.language);
    }
    case Column::join_date: return time(row.joined_at);
    case Column::last_online: return time(row.last_online_at);
    case Column::referred_by: return row.referred_by && text(std::to_string(*row.referred_by));
    case Column::status: return text(to_string(state_at(row.state, row.until, now_)));
    case Column::xp:
    case Column::coins:
    case Column::premium_currency: return text(data_.amounts[index][currency_of(use.column.column)].to_string());
    case Column::role: return names(data_.roles[index], current_.roles);
    case Column::tag: return names(data_.tags[index], current_.tags);
    case Column::custom: {
      auto const& field = *use.column.field;
      if (!is_alive(current_, field.number)) return false;
      auto const& own = data_.values[index * fields_ + use.place];
      if (!own.present && !layout_.is_plain) return false;
      ValueView const value = own.present ? own : ValueView(field.default_value);
      if (!value.present) return false;
      if (use.slot.value_kind == ValueKind::boolean) return text(value.number != 0 ? "true" : "false");
      return value.is_number ? text(Decimal{value.number}.to_string()) : text(value.text);
    }
  }
  throw std::logic_error("a column without a cell");
}

void UsersExport::write_row(std::string& out, std::size_t index) const {
  api::CsvWriter csv(out);
  std::string value, scratch;
  for (auto const& use : uses_) {
    if (use.has_operator) csv.cell(to_string(ledger::Operator::overwrite));
    if (is_hidden(page_->rows[index], use.column.column))
      csv.cell(layout_.is_plain ? kHiddenText : std::string_view());
    else
      csv.cell(cell(value, index, use) ? api::escape_for_export(std::string_view(value), use.is_numeric, scratch) : std::string_view());
  }
  csv.end_row();
}

api::BodyStream::Next UsersExport::next(std::string& out) {
  if (!std::exchange(has_begun_, true)) {
    read_more();
    write_header(out);
  } else if (at_ == page_->rows.size() && !has_ended_) {
    read_more();
  }
  std::size_t const before = out.size();
  while (at_ < page_->rows.size() && out.size() - before < kPieceBytes) write_row(out, at_++);
  return {at_ == page_->rows.size() && has_ended_ ? Then::end : Then::more};
}

Result<api::Response> export_users(sql::Database& database, NumberSource& numbers, api::Context const& context, api::Request const& request,
                                   ExportQuestion question, ReadConditions const& read) {
  auto catalogue = std::make_unique<Catalogue>();
  std::vector<AskedColumn> columns;
  std::vector<std::string> compared;
  auto conditions = database.read([&](sql::Tx& tx) -> Result<std::vector<Condition>> {
    *catalogue = load_catalogue(tx, context.community);
    std::vector<Issue> issues;
    auto found = read(tx, *catalogue, question, issues);
    if (!found) return found;
    columns = read_columns(question.columns.empty() ? export_columns(question.layout, *catalogue) : question.columns,
                           facts_of(*catalogue, {}), issues);
    if (!issues.empty()) return std::unexpected(problems_of(std::move(issues), {&errors::kUnknownColumn, &errors::kUnknownOperator}));
    for (auto const& c : *found) {
      auto const field = std::ranges::find(catalogue->fields, c.field, &CustomField::number);
      compared.push_back(c.column == Column::custom ? column_name(*field) : column_name(c.column));
    }
    if (auto error = look_up(tx, context.community, *found)) return std::unexpected(*std::move(error));
    return found;
  });
  if (!conditions) return std::unexpected(std::move(conditions).error());

  // Columns and what is compared, not the values: an e-mail that somebody looked for would outlive its holder's erasure here.
  api::JsonWriter detail;
  detail.begin_object().key("layout").string(question.layout.is_plain ? "plain" : "bulk");
  if (!question.target_name.empty()) detail.key("name").string(question.target_name);
  detail.key("columns").begin_array();
  for (auto const& column : columns) detail.string(column.shown);
  detail.end_array().key("conditions").begin_array();
  for (auto const& name : compared) detail.string(name);
  detail.end_array().end_object();
  if (request.method != api::Method::head) {
    database.write([&](sql::Tx& tx) {
      access::write_audit(tx, context.community, numbers.next(),
                          {.actor = access::actor_of(context.principal),
                           .action = question.action,
                           .target = question.target,
                           .detail = access::audit_value(detail.take(), context.request_id),
                           .remote_address = context.remote_address,
                           .at = context.now});
    });
  }
  auto body = std::make_shared<UsersExport>(database, context.community, std::move(catalogue), std::move(columns), *std::move(conditions),
                                            question.layout, context.now);
  return api::download(request, std::move(body),
                       {.file_name = question.file_name, .content_type = "text/csv; charset=utf-8", .etag = "", .packable = true});
}

}  // namespace fealty::members
