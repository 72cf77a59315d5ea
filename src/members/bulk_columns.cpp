#include "members/bulk_columns.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/text.h"

namespace fealty::members {
namespace {

struct LedgerColumn {
  std::string_view name;
  CurrencyNo currency;
};
constexpr LedgerColumn kLedgerColumns[] = {{"XP", ledger::kXp}, {"Coins", ledger::kCoins}, {"Premium Currency", ledger::kPremium}};
constexpr std::string_view kDefaultColumns[] = {"First Name", "Last Name", "Display Name", "Phone", "Country", "Language", "Role", "Tag"};
constexpr std::string_view kCreateColumns[] = {"First Name", "Last Name", "Username", "Email", "Phone", "Country", "Language"};
constexpr std::string_view kResultColumns[] = {"status", "error_code", "error_message"};
constexpr std::string_view kOp = "_op";

CustomField const* find_field(Catalogue const& catalogue, std::string_view name) {
  for (auto const& f : catalogue.fields)
    if (f.name == name) return &f;
  return nullptr;
}
bool is_numerical(CustomField const& f) { return kind_of(f.type) == ValueKind::decimal; }

// Same letters but for case, blanks, hyphens and underscores.
std::string loose(std::string_view name) {
  std::string out;
  for (char const c : fold_case(name))
    if (c != ' ' && c != '-' && c != '_') out += c;
  return out;
}

std::vector<std::string> suggestions_for(std::string_view name, std::vector<std::string> const& known, Catalogue const& catalogue) {
  std::vector<std::string> out;
  auto add = [&](std::string const& s) {
    if (std::find(out.begin(), out.end(), s) == out.end() && out.size() < 3) out.push_back(s);
  };
  for (auto const& k : known)
    if (loose(k) == loose(name)) add(k);
  for (auto const& f : catalogue.fields)
    if (fold_case(f.key) == fold_case(name)) add(f.name);
  for (auto const& k : known)
    if (edit_distance(fold_case(k), fold_case(name), 2) <= 2) add(k);
  return out;
}

struct Binder {
  BulkFlavour flavour;
  Catalogue const& catalogue;
  bool creates_only;
  std::vector<std::string> known;
  std::vector<Issue> issues;
  std::size_t columns_wrong = 0;

  void wrong(std::string const& name, std::string code, std::string message, std::size_t position,
             std::vector<std::string> suggestions = {}) {
    Issue issue{name, std::move(code), std::move(message), std::move(suggestions)};
    if (position != 0) issue.position = static_cast<std::int64_t>(position);
    issues.push_back(std::move(issue));
    ++columns_wrong;
  }

  // Target of one header cell; empty when it is a problem that was noted.
  std::string bind(std::string const& name, std::size_t position) {
    if (name.empty()) {
      wrong(name, "empty_column_name", "Column " + std::to_string(position) + " has no name: name it, or delete the column.", position);
      return "";
    }
    bool const import = flavour == BulkFlavour::import;
    if (name.front() == '#' && std::ranges::find(known, name) == known.end()) return "-";
    if (name == "Email") return "email";
    if (creates_only && std::ranges::find(known, name) == known.end()) {
      if (auto close = suggestions_for(name, known, {}); !close.empty()) return unknown(name, std::move(close), position);
      wrong(name, "unexpected_column", "An import without key takes the columns " + join(known, ", ") + " only; remove " + name + ".",
            position);
      return "";
    }
    if (flavour == BulkFlavour::premium) {
      if (name == "Premium Currency") return "currency:3";
      if (name == "Premium Currency_op") return "currency_op:3";
      wrong(name, "unexpected_column",
            "This upload takes the columns Email, Premium Currency and Premium Currency_op only; remove " + name + ".", position);
      return "";
    }
    if (name == "User ID") {
      if (!import) return "user_id";
      wrong(name, "unexpected_column", "An import names people by Email; remove the column User ID.", position);
      return "";
    }
    if (name == "Username") return "username";
    if (auto const slot = default_slot(name)) {
      if (slot->kind == Slot::Kind::role_set) return "role";
      if (slot->kind == Slot::Kind::tag_set) return "tag";
      return "profile:" + std::to_string(slot->field.value);
    }
    bool const is_op = name.size() > kOp.size() && name.ends_with(kOp);
    std::string const base = is_op ? name.substr(0, name.size() - kOp.size()) : name;
    for (auto const& c : kLedgerColumns)
      if (c.name == base) return (is_op ? "currency_op:" : "currency:") + std::to_string(c.currency.value);
    if (auto const* field = find_field(catalogue, base)) {
      if (!is_op) return "field:" + std::to_string(field->number.value);
      if (is_numerical(*field)) return "field_op:" + std::to_string(field->number.value);
    }
    if (is_op &&
        (find_field(catalogue, base) != nullptr || default_slot(base) || base == "Email" || base == "Username" || base == "User ID")) {
      wrong(name, "operator_not_allowed", base + " is not a number, so it takes no operator; remove the column " + name + ".", position);
      return "";
    }
    return unknown(name, suggestions_for(name, known, catalogue), position);
  }
  std::string unknown(std::string const& name, std::vector<std::string> suggestions, std::size_t position) {
    std::string message = "There is no column " + name + ".";
    if (!suggestions.empty()) message += " Did you mean " + join(suggestions, " or ") + "?";
    wrong(name, "unknown_column", std::move(message), position, std::move(suggestions));
    return "";
  }
};

}  // namespace

std::vector<std::string> known_columns(BulkFlavour flavour, Catalogue const& catalogue) {
  if (flavour == BulkFlavour::premium) return {"Email", "Premium Currency", "Premium Currency_op"};
  std::vector<std::string> out{"Email", "Username"};
  if (flavour == BulkFlavour::update) out.emplace_back("User ID");
  for (auto const column : kDefaultColumns) out.emplace_back(column);
  for (auto const& c : kLedgerColumns) {
    out.emplace_back(c.name);
    out.push_back(std::string(c.name) + std::string(kOp));
  }
  for (auto const& f : catalogue.fields) {
    out.push_back(f.name);
    if (is_numerical(f)) out.push_back(f.name + std::string(kOp));
  }
  return out;
}

Result<std::vector<jobs::Column>> bind_columns(BulkFlavour flavour, Catalogue const& catalogue, std::span<std::string const> header,
                                               bool creates_only) {
  Binder binder{flavour, catalogue, creates_only, known_columns(flavour, catalogue), {}, 0};
  if (creates_only) binder.known.assign(std::begin(kCreateColumns), std::end(kCreateColumns));
  std::size_t count = header.size();
  // Our own result files end in these three columns: they come back unread.
  bool const is_result_file = count > 3 && std::equal(header.end() - 3, header.end(), std::begin(kResultColumns));
  if (is_result_file) count -= 3;

  std::vector<jobs::Column> columns;
  std::map<std::string, std::size_t> first_seen;
  for (std::size_t i = 0; i < header.size(); ++i) {
    std::string const& name = header[i];
    if (i >= count) {
      columns.push_back({name, "-"});
      continue;
    }
    if (auto const [seen, fresh] = first_seen.emplace(name, i); !fresh && !name.empty()) {
      binder.wrong(name, "duplicate_column",
                   "The column " + name + " stands at position " + std::to_string(seen->second + 1) + " and again at " +
                       std::to_string(i + 1) + "; remove one.",
                   i + 1);
      columns.push_back({name, "-"});
      continue;
    }
    auto target = binder.bind(name, i + 1);
    columns.push_back({name, target.empty() ? "-" : std::move(target)});
  }

  auto has = [&](std::string_view name) { return first_seen.contains(std::string(name)); };
  ErrorDef const* top = &errors::kInvalidHeader;
  if (flavour == BulkFlavour::premium) {
    for (auto const& name : binder.known)
      if (name != "Email" && !has(name)) binder.wrong(name, "missing_column", "The column " + name + " is missing.", 0);
  } else if (!creates_only) {
    for (auto const& c : kLedgerColumns) {
      std::string const op = std::string(c.name) + std::string(kOp);
      if (has(c.name) && !has(op))
        binder.wrong(op, "operator_column_missing",
                     std::string(c.name) + " needs the column " + op + " beside it, with add, subtract or overwrite.", 0);
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::string const& name = header[i];
      if (!name.ends_with(kOp)) continue;
      std::string const base = name.substr(0, name.size() - kOp.size());
      bool const bound = columns[i].target.starts_with("currency_op:") || columns[i].target.starts_with("field_op:");
      if (bound && !has(base))
        binder.wrong(name, "operator_without_value", "There is an operator column " + name + " but no column " + base + ".", i + 1);
    }
  }
  bool const has_key = has("Email") || (flavour == BulkFlavour::update && (has("User ID") || has("Username")));
  if (!has_key) {
    binder.issues.insert(binder.issues.begin(),
                         {"", "missing_key_column",
                          flavour == BulkFlavour::update ? "The file needs a column that names the member: Email, User ID or Username."
                                                         : "The file needs the column Email."});
    top = &errors::kMissingKeyColumn;
  } else if (binder.issues.empty() && flavour == BulkFlavour::update && std::all_of(columns.begin(), columns.end(), [](auto const& c) {
               return c.target == "-" || c.target == "email" || c.target == "user_id" || c.target == "username";
             })) {
    return fail(errors::kNothingToUpdate,
                "This file only names members: add a column with something to change, such as Coins and Coins_op.",
                {{"", "nothing_to_update", "There is no column to change."}});
  }
  if (binder.issues.empty()) return columns;
  std::string message = binder.columns_wrong == 1 ? "1 column of this file is not right."
                                                  : std::to_string(binder.columns_wrong) + " columns of this file are not right.";
  if (top != &errors::kInvalidHeader && binder.columns_wrong == 0) message = binder.issues.front().message;
  return fail(*top, std::move(message), std::move(binder.issues));
}

std::vector<std::string> template_columns(BulkFlavour flavour, Catalogue const& catalogue) {
  switch (flavour) {
    case BulkFlavour::premium: return {"Email", "Premium Currency", "Premium Currency_op"};
    case BulkFlavour::import: return {"First Name", "Last Name", "Username", "Email", "Phone", "Country", "Language", "Role", "Tag"};
    case BulkFlavour::update: break;
  }
  std::vector<std::string> out{"Email", "First Name", "Last Name", "Display Name", "Phone", "Country", "Language", "Role", "Tag"};
  for (auto const& c : kLedgerColumns) {
    out.push_back(std::string(c.name) + std::string(kOp));
    out.emplace_back(c.name);
  }
  for (auto const& f : catalogue.fields) {
    if (is_numerical(f)) out.push_back(f.name + std::string(kOp));
    out.push_back(f.name);
  }
  return out;
}

BoundColumns resolve_columns(std::span<jobs::Column const> columns, Catalogue const& catalogue) {
  BoundColumns out;
  std::map<std::string, std::size_t> slot_by_target;
  auto slot_index = [&](std::string const& target, std::string const& name, bool& removed) {
    auto const [place, fresh] = slot_by_target.emplace(target, out.slots.size());
    if (!fresh) return place->second;
    Slot slot;
    slot.name = name;
    auto const colon = target.find(':');
    std::int64_t number = 0;
    if (colon != std::string::npos) std::from_chars(target.data() + colon + 1, target.data() + target.size(), number);
    if (target == "role" || target == "tag" || target.starts_with("profile:")) {
      slot = *default_slot(name);
    } else if (target.starts_with("currency:")) {
      auto const found =
          std::find_if(catalogue.currencies.begin(), catalogue.currencies.end(), [&](auto const& c) { return c.number.value == number; });
      if (found != catalogue.currencies.end()) slot = slot_of(*found, name);
    } else {
      auto const found =
          std::find_if(catalogue.fields.begin(), catalogue.fields.end(), [&](auto const& f) { return f.number.value == number; });
      removed = found == catalogue.fields.end();
      if (!removed) slot = slot_of(*found);
      // Messages name the column as the file does, even when the field was renamed since.
      slot.name = name;
    }
    out.slots.push_back(std::move(slot));
    out.value_column.push_back(BoundColumns::npos);
    out.op_column.push_back(BoundColumns::npos);
    return place->second;
  };
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto const& c = columns[i];
    BoundColumn bound;
    if (c.target == "email")
      bound.role = BoundColumn::Role::email;
    else if (c.target == "user_id")
      bound.role = BoundColumn::Role::user_id;
    else if (c.target == "username")
      bound.role = BoundColumn::Role::username;
    else if (c.target == "-")
      bound.role = BoundColumn::Role::ignored;
    else {
      bool const is_op = c.target.starts_with("currency_op:") || c.target.starts_with("field_op:");
      std::string target = c.target;
      if (is_op) target.erase(target.find("_op:"), 3);
      bound.role = is_op ? BoundColumn::Role::op : BoundColumn::Role::value;
      bound.slot = slot_index(target, is_op ? c.name.substr(0, c.name.size() - kOp.size()) : c.name, bound.removed);
      (is_op ? out.op_column : out.value_column)[bound.slot] = i;
    }
    out.columns.push_back(bound);
  }
  // An operator column may stand before its value column: the value column knows whether the field is gone.
  for (std::size_t s = 0; s < out.slots.size(); ++s) {
    bool removed = false;
    for (auto const& b : out.columns)
      if ((b.role == BoundColumn::Role::value || b.role == BoundColumn::Role::op) && b.slot == s) removed |= b.removed;
    if (out.value_column[s] != BoundColumns::npos) out.columns[out.value_column[s]].removed = removed;
  }
  return out;
}

}  // namespace fealty::members
