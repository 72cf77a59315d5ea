// Public ids: 24 lower-case hex digits, ordered by time of creation.
//
// A public id is derived, not stored: 4 bytes of creation time in seconds, then the record's 8-byte number, which is the
// key in storage. So the widest tables need neither an id column nor an index for it, and a look-up by id is a look-up by
// number plus a check of the seconds.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fealty {

struct PublicId {
  std::uint32_t seconds = 0;
  std::int64_t number = 0;

  auto operator<=>(PublicId const&) const = default;
  std::string to_string() const;
  // Exactly 24 hex digits, lower case only (an id has one spelling); anything else is no id.
  static std::optional<PublicId> parse(std::string_view text);
  static PublicId of(std::int64_t number, std::int64_t created_at_ms) { return {static_cast<std::uint32_t>(created_at_ms / 1000), number}; }
};

// Numbers of different kinds of record must not be mixed up: each has its own type. 0 is "none".
template <class Tag>
struct Number {
  std::int64_t value = 0;
  constexpr explicit operator bool() const { return value != 0; }
  auto operator<=>(Number const&) const = default;
};

using CommunityNo = Number<struct CommunityTag>;
using MemberNo = Number<struct MemberTag>;  // the account's short id: the same person in every community
using FieldNo = Number<struct FieldTag>;
using RoleNo = Number<struct RoleTag>;
using TagNo = Number<struct TagTag>;
using CurrencyNo = Number<struct CurrencyTag>;
using KeyNo = Number<struct KeyTag>;
using JobNo = Number<struct JobTag>;
using EntryNo = Number<struct EntryTag>;
using SourceNo = Number<struct SourceTag>;
using HistoryNo = Number<struct HistoryTag>;

std::string to_hex(std::span<unsigned char const> bytes);
// Even number of hex digits in either case, or nothing.
std::optional<std::string> from_hex(std::string_view hex);

}  // namespace fealty

template <class Tag>
struct std::hash<fealty::Number<Tag>> {
  std::size_t operator()(fealty::Number<Tag> n) const noexcept { return std::hash<std::int64_t>{}(n.value); }
};
