#include "sql/tokens.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace fealty::sql {
namespace {

[[noreturn]] void refuse(std::string const& what) { throw StorageError(StorageError::Kind::broken, what); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_identifier(std::string_view s) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !s.empty() && letter(s[0]) && std::ranges::all_of(s, [&](char c) { return letter(c) || is_digit(c); });
}

// The end of the literal, quoted name or comment that begins at `at`; `at` itself when none begins there. Braces, dollars
// and semicolons within them are plain text.
std::size_t skip_quoted(std::string_view text, std::size_t at) {
  auto const rest = text.substr(at);
  auto end_of = [&](std::string_view mark, std::size_t from) {
    auto const found = text.find(mark, from);
    return found == std::string_view::npos ? text.size() : found + mark.size();
  };
  if (rest.starts_with("--")) return end_of("\n", at);
  if (rest.starts_with("/*")) return end_of("*/", at + 2);
  if (rest.starts_with('\'') || rest.starts_with('"')) return end_of(rest.substr(0, 1), at + 1);
  return at;
}

std::size_t read_number(std::string_view text, std::size_t at, std::size_t& end) {
  std::size_t number = 0;
  auto const [stop, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
  if (error != std::errc{} || number == 0 || number > 60'000) refuse("bad parameter number in: " + std::string(text));
  end = static_cast<std::size_t>(stop - text.data());
  return number;
}

std::size_t highest_parameter(std::string_view text) {
  std::size_t highest = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (auto const next = skip_quoted(text, at); next != at) {
      at = next;
    } else if (text[at] == '$' && at + 1 < text.size() && is_digit(text[at + 1])) {
      highest = std::max(highest, read_number(text, at + 1, at));
    } else {
      ++at;
    }
  }
  return highest;
}

class Expander {
 public:
  Expander(std::string_view text, Engine engine) : text_(text), sqlite_(engine == Engine::sqlite) {
    out_.shape.scalars = highest_parameter(text);
  }

  Expanded run() {
    out_.text.reserve(text_.size() + 64);
    for (std::size_t at = 0; at < text_.size();) {
      if (auto const next = skip_quoted(text_, at); next != at) {
        out_.text += text_.substr(at, next - at);
        at = next;
      } else if (text_[at] == '{') {
        auto const close = text_.find('}', at);
        if (close == std::string_view::npos) refuse("a token is not closed in: " + std::string(text_));
        token(text_.substr(at + 1, close - at - 1));
        at = close + 1;
      } else if (sqlite_ && text_[at] == '$' && at + 1 < text_.size() && is_digit(text_[at + 1])) {
        out_.text += '?';
        ++at;
      } else {
        out_.text += text_[at++];
      }
    }
    return std::move(out_);
  }

 private:
  void token(std::string_view inside) {
    auto const blank = inside.find(' ');
    auto const name = inside.substr(0, blank);
    auto const rest = blank == std::string_view::npos ? std::string_view() : trim_blanks(inside.substr(blank));
    if (name == "rows") return rows(rest);
    if (name == "entry_key") return entry_key(rest);
    if (name == "lock" || name == "skip_locked") return lock(name, rest);
    if (name == "include") return include(rest);
    if (name == "room_for_updates") return room_for_updates(rest);
    struct Word {
      std::string_view name, sqlite, postgres;
    };
    static constexpr Word kWords[] = {
        {"int", "INTEGER", "BIGINT"},
        {"blob", "BLOB", "BYTEA"},
        {"strict", " STRICT", ""},
        {"without_rowid", " STRICT, WITHOUT ROWID", ""},
        // statement_timestamp() is stable within a statement, so PostgreSQL may still use an index for a comparison with it.
        {"now_ms", "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)",
         "floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint"},
    };
    for (auto const& word : kWords) {
      if (word.name != name) continue;
      if (!rest.empty()) refuse("token {" + std::string(inside) + "} takes nothing");
      out_.text += sqlite_ ? word.sqlite : word.postgres;
      return;
    }
    refuse("unknown token {" + std::string(inside) + "} in: " + std::string(text_));
  }

  void lock(std::string_view name, std::string_view table) {
    if (!is_identifier(table)) refuse("token {" + std::string(name) + "} needs a table's name");
    if (sqlite_) return;
    out_.text += "FOR NO KEY UPDATE OF ";
    out_.text += table;
    if (name == "skip_locked") out_.text += " SKIP LOCKED";
  }

  void include(std::string_view column) {
    if (!is_identifier(column)) refuse("token {include} needs a column");
    if (!sqlite_) out_.text.append(" INCLUDE (").append(column).append(")");
  }

  void room_for_updates(std::string_view table) {
    if (!is_identifier(table)) refuse("token {room_for_updates} needs a table's name");
    out_.text += sqlite_ ? "SELECT 1" : "ALTER TABLE " + std::string(table) + " SET (fillfactor = 50)";
  }

  void entry_key(std::string_view columns) {
    auto const parts = split(columns, ',');
    if (parts.size() != 2) refuse("token {entry_key} needs two columns");
    auto const first = trim_blanks(parts[0]), second = trim_blanks(parts[1]);
    if (!is_identifier(first) || !is_identifier(second)) refuse("token {entry_key} needs two columns");
    out_.text += "PRIMARY KEY (";
    if (!sqlite_) out_.text.append(first).append(", ");
    out_.text.append(second).append(")");
  }

  void rows(std::string_view inside) {
    if (!out_.shape.columns.empty()) refuse("more than one {rows} token in: " + std::string(text_));
    auto const colon = inside.find(':');
    auto const alias = trim_blanks(inside.substr(0, colon));
    if (colon == std::string_view::npos || !is_identifier(alias)) refuse("token {rows} needs an alias and columns");
    std::string arguments, names, selected;
    for (auto const part : split(inside.substr(colon + 1), ',')) {
      auto const column = trim_space(part);
      auto const blank = column.find(' ');
      auto const name = column.substr(0, blank);
      auto const type = blank == std::string_view::npos ? std::string_view() : trim_space(column.substr(blank));
      if (!is_identifier(name)) refuse("token {rows} has a column without a name in: " + std::string(text_));
      auto const number = out_.shape.columns.size();
      std::string_view array;
      if (type == "int") {
        out_.shape.columns.push_back(Batch::Type::integer), array = "bigint[]";
      } else if (type == "text") {
        out_.shape.columns.push_back(Batch::Type::text), array = "text[]";
      } else if (type == "blob") {
        out_.shape.columns.push_back(Batch::Type::blob), array = "bytea[]";
      } else {
        refuse("token {rows} knows int, text and blob, not: " + std::string(column));
      }
      auto const comma = number == 0 ? "" : ", ";
      arguments.append(comma).append("$").append(std::to_string(out_.shape.scalars + 1 + number)).append("::").append(array);
      names.append(comma).append(name);
      selected.append(comma).append("c").append(std::to_string(number)).append(" AS ").append(name);
    }
    if (sqlite_) {
      out_.text.append("(SELECT ").append(selected).append(" FROM fealty_rows(?");
      out_.text.append(std::to_string(out_.shape.scalars + 1)).append(")) AS ").append(alias);
    } else {
      out_.text.append("unnest(").append(arguments).append(") AS ").append(alias).append("(").append(names).append(")");
    }
  }

  std::string_view text_;
  bool sqlite_;
  Expanded out_;
};

}  // namespace

Expanded expand_statement(std::string_view text, Engine engine) { return Expander(text, engine).run(); }

std::string expand(std::string_view text, Engine engine) { return expand_statement(text, engine).text; }

void check_call(std::string_view name, Shape const& shape, std::span<Param const> params, Batch const* batch) {
  if (params.size() != shape.scalars) {
    refuse(std::string(name) + ": has " + std::to_string(shape.scalars) + " parameters, was given " + std::to_string(params.size()));
  }
  if ((batch != nullptr) == shape.columns.empty()) {
    refuse(std::string(name) + (batch ? ": was given a batch but has no {rows} token" : ": needs a batch for its {rows} token"));
  }
  if (!batch) return;
  bool const fits = std::ranges::equal(shape.columns, batch->columns(), {}, {}, &Batch::Column::type);
  if (!fits) refuse(std::string(name) + ": the batch's columns differ from those of the {rows} token");
}

std::vector<std::string> split_statements(std::string_view text) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  bool any = false;  // something other than blanks and comments
  auto cut = [&](std::size_t end) {
    if (any) out.emplace_back(trim_space(text.substr(begin, end - begin)));
    begin = end + 1;
    any = false;
  };
  for (std::size_t at = 0; at < text.size();) {
    if (auto const next = skip_quoted(text, at); next != at) {
      any = any || text[at] == '\'' || text[at] == '"';
      at = next;
    } else {
      if (text[at] == ';') {
        cut(at);
      } else if (!trim_space(text.substr(at, 1)).empty()) {
        any = true;
      }
      ++at;
    }
  }
  cut(text.size());
  return out;
}

}  // namespace fealty::sql
