// The fields that the system keeps, as they are listed beside a community's own (user-data.md §1.3).
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "members/fields.h"

namespace fealty::members {

struct DefaultField {
  std::string_view key, name, type;
  FieldNo number;  // under which histories know it; none: no values of it are kept there
};
// Those that are listed, in their order; the display name, which profiles show, comes behind them and is no column of a list.
std::span<DefaultField const> default_fields();
std::size_t listed_default_fields();

// The same for ever: from the community's time and the field's place. Their numbers lie below those of custom fields.
PublicId default_field_id(PublicId community, std::size_t index);
std::optional<std::size_t> find_default_field(PublicId community, PublicId id);
// By the number that stands in histories.
std::optional<std::size_t> find_default_field(FieldNo number);
// By id, key or name, without case.
std::optional<std::size_t> find_default_field(PublicId community, std::string_view text);

}  // namespace fealty::members
