#include "sql/postgres/arrays.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace fealty::sql::postgres {
namespace {

constexpr unsigned kInt8 = 20, kText = 25, kBytea = 17;
// The server refuses a message of 1 GiB.
constexpr std::size_t kBytesMax = std::size_t{1} << 30;

template <class T>
char* put(char* at, T value) {
  static_assert(std::endian::native == std::endian::little);
  value = std::byteswap(value);
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

}  // namespace

unsigned array_type(Batch::Type type) {
  return type == Batch::Type::integer ? kInt8Array : type == Batch::Type::text ? kTextArray : kByteaArray;
}

std::string binary_array(Batch::Column const& column, std::size_t rows) {
  auto const element = column.type == Batch::Type::integer ? kInt8 : column.type == Batch::Type::text ? kText : kBytea;
  bool const has_null = std::ranges::find(column.nulls, true) != column.nulls.end();
  // Dimensions, null flag, element type; then, unless empty, size and lower bound; then a length and the bytes of each.
  std::size_t size = 20 + rows * (column.type == Batch::Type::integer ? 12 : 4);
  for (auto const& text : column.texts) size += text.size();
  if (size >= kBytesMax) throw StorageError(StorageError::Kind::broken, "a batch's column is larger than 1 GiB");

  std::string out(rows == 0 ? 12 : size, '\0');
  char* at = put<std::uint32_t>(out.data(), rows == 0 ? 0 : 1);
  at = put<std::uint32_t>(at, has_null ? 1 : 0);
  at = put<std::uint32_t>(at, element);
  if (rows == 0) return out;
  at = put<std::uint32_t>(at, static_cast<std::uint32_t>(rows));
  at = put<std::uint32_t>(at, 1);
  for (std::size_t i = 0; i < rows; ++i) {
    if (has_null && column.nulls[i]) {
      at = put<std::int32_t>(at, -1);
    } else if (column.type == Batch::Type::integer) {
      at = put<std::uint32_t>(at, 8);
      at = put<std::uint64_t>(at, static_cast<std::uint64_t>(column.integers[i]));
    } else {
      auto const text = column.texts[i];
      at = put<std::uint32_t>(at, static_cast<std::uint32_t>(text.size()));
      if (!text.empty()) std::memcpy(at, text.data(), text.size());
      at += text.size();
    }
  }
  out.resize(static_cast<std::size_t>(at - out.data()));  // nulls take less than was reserved
  return out;
}

}  // namespace fealty::sql::postgres
