#include <mutex>

#include "sql/sql.h"

namespace fealty::sql {
namespace {

struct Registry {
  std::mutex mutex;
  std::vector<Statement const*> list;
};

// Never destroyed: statements of other files may be used until the program's very end.
Registry& registry() {
  static Registry& r = *new Registry;
  return r;
}

}  // namespace

Statement::Statement(std::string_view name, std::string_view text) : Statement(name, text, text) {}

Statement::Statement(std::string_view name, std::string_view sqlite_text, std::string_view postgres_text)
    : name_(name), sqlite_text_(sqlite_text), postgres_text_(postgres_text) {
  auto& r = registry();
  std::lock_guard lock(r.mutex);
  index_ = r.list.size();
  r.list.push_back(this);
}

Statement::Statement(Append, std::string_view name, std::string_view text) : Statement(name, text, text) { is_append_ = true; }

Statement::Statement(Scratch, std::string_view name, std::string_view sqlite_text) : Statement(name, sqlite_text, {}) {}

std::vector<Statement const*> const& Statement::all() { return registry().list; }

std::vector<std::string> prepare_all(Database& database) {
  std::vector<std::string> problems;
  for (auto const* statement : Statement::all()) {
    if (statement->is_scratch()) continue;
    // A transaction each: on PostgreSQL the first failure makes its transaction unusable.
    try {
      database.read([&](Tx& tx) { tx.prepare(*statement); });
    } catch (StorageError const& e) {
      problems.emplace_back(e.what());
    }
  }
  return problems;
}

Batch::Batch(std::initializer_list<Type> types) {
  columns_.reserve(types.size());
  for (auto const type : types) columns_.push_back({.type = type, .integers = {}, .texts = {}, .nulls = {}});
}

void Batch::reserve(std::size_t rows) {
  for (auto& c : columns_) {
    if (c.type == Type::integer) {
      c.integers.reserve(rows);
    } else {
      c.texts.reserve(rows);
    }
  }
}

void Batch::clear() {
  for (auto& c : columns_) c.integers.clear(), c.texts.clear(), c.nulls.clear();
  rows_ = 0;
}

void Batch::put(std::size_t column, Param const& value) {
  if (column >= columns_.size()) check_width(column + 1);
  auto& c = columns_[column];
  bool const null = std::holds_alternative<std::nullptr_t>(value);
  if (null && c.nulls.empty()) c.nulls.assign(rows_, false);
  if (null || !c.nulls.empty()) c.nulls.push_back(null);
  if (c.type == Type::integer) {
    auto const* integer = std::get_if<std::int64_t>(&value);
    if (!integer && !null) throw StorageError(StorageError::Kind::broken, "a batch's column of integers was given text");
    c.integers.push_back(integer ? *integer : 0);
    return;
  }
  if (auto const* text = std::get_if<std::string_view>(&value)) {
    c.texts.push_back(*text);
  } else if (auto const* blob = std::get_if<Blob>(&value); blob && c.type == Type::blob) {
    c.texts.push_back(blob->bytes);
  } else if (null) {
    c.texts.emplace_back();
  } else {
    throw StorageError(StorageError::Kind::broken, "a batch's column of text was given something else");
  }
}

void Batch::check_width(std::size_t given) const {
  if (given == columns_.size()) return;
  throw StorageError(StorageError::Kind::broken,
                     "a batch of " + std::to_string(columns_.size()) + " columns was given " + std::to_string(given) + " values");
}

}  // namespace fealty::sql
