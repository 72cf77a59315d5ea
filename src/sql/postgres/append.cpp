#include "sql/postgres/append.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <stdexcept>

#include "base/text.h"

namespace fealty::sql::postgres {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
  auto const begin = text.find(before);
  auto const end = begin == std::string_view::npos ? begin : text.find(after, begin + before.size());
  if (end == std::string_view::npos) throw std::logic_error("not a statement that appends a batch: " + std::string(text));
  return text.substr(begin + before.size(), end - begin - before.size());
}

template <class T>
void put(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  value = std::byteswap(value);
  out.append(reinterpret_cast<char const*>(&value), sizeof value);
}

void put_integer(std::string& out, std::int64_t value) {
  put<std::uint32_t>(out, sizeof value);
  put<std::uint64_t>(out, static_cast<std::uint64_t>(value));
}

void put_bytes(std::string& out, std::string_view bytes) {
  if (bytes.size() > 0x3fff'ffff) throw StorageError(StorageError::Kind::broken, "a value of a batch is larger than 1 GiB");
  put<std::uint32_t>(out, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
}

void put_null(std::string& out) { put<std::int32_t>(out, -1); }

void put_parameter(std::string& out, Param const& param) {
  if (auto const* integer = std::get_if<std::int64_t>(&param))
    put_integer(out, *integer);
  else if (auto const* text = std::get_if<std::string_view>(&param))
    put_bytes(out, *text);
  else if (auto const* blob = std::get_if<Blob>(&param))
    put_bytes(out, blob->bytes);
  else
    put_null(out);
}

void put_cell(std::string& out, Batch::Column const& column, std::size_t row) {
  if (!column.nulls.empty() && column.nulls[row])
    put_null(out);
  else if (column.type == Batch::Type::integer)
    put_integer(out, column.integers[row]);
  else
    put_bytes(out, column.texts[row]);
}

}  // namespace

CopyPlan plan_copy(std::string_view text) {
  auto const table = trim_space(between(text, "INSERT INTO ", "("));
  auto const columns = between(text, "(", ")");
  auto const values = between(text, "SELECT ", " FROM {rows r:");
  std::vector<std::string_view> names;  // of the batch's columns
  for (auto const column : split(between(text, "{rows r:", "}"), ',')) {
    auto const name = trim_space(column);
    names.push_back(name.substr(0, name.find(' ')));
  }
  CopyPlan plan{"COPY " + std::string(table) + " (" + std::string(columns) + ") FROM STDIN (FORMAT binary)", {}};
  for (auto const part : split(values, ',')) {
    auto const value = trim_space(part);
    CopyPlan::Source source;
    if (value.starts_with('$')) {
      source.is_parameter = true;
      auto const [end, error] = std::from_chars(value.data() + 1, value.data() + value.size(), source.index);
      if (error != std::errc{} || end != value.data() + value.size() || source.index-- == 0)
        throw std::logic_error("not a parameter: " + std::string(value));
    } else {
      auto const name = std::ranges::find(names, value.starts_with("r.") ? value.substr(2) : std::string_view());
      if (name == names.end()) throw std::logic_error("not a column of the batch: " + std::string(value));
      source.index = static_cast<std::size_t>(name - names.begin());
    }
    plan.sources.push_back(source);
  }
  return plan;
}

void write_copy(CopyPlan const& plan, std::span<Param const> params, Batch const& batch,
                std::function<void(std::string_view)> const& sink) {
  std::string out;
  out.reserve(kPieceBytes + 4 * 1024);
  using namespace std::string_view_literals;
  out += "PGCOPY\n\377\r\n\0"sv;  // the format's signature, then no flags and no extension
  put<std::uint32_t>(out, 0);
  put<std::uint32_t>(out, 0);
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    put<std::uint16_t>(out, static_cast<std::uint16_t>(plan.sources.size()));
    for (auto const& source : plan.sources) {
      if (source.is_parameter)
        put_parameter(out, params[source.index]);
      else
        put_cell(out, batch.columns()[source.index], row);
    }
    if (out.size() < kPieceBytes) continue;
    sink(out);
    out.clear();
  }
  put<std::int16_t>(out, -1);
  sink(out);
}

}  // namespace fealty::sql::postgres
