// Component schemas of the OpenAPI document: private to openapi.cpp.
#pragma once
#include <map>
#include <set>
#include <string>
#include "api/json_writer.h"
#include "api/schema.h"

namespace fealty::api::openapi {

// A struct reads differently on its way in (required by rule; decimals also as strings) and out (always there unless
// omit_empty).
enum class Direction : std::uint8_t { in, out };

class Components {
 public:
  // Registers the struct and all that it holds.
  void use(StructDef const& def, Direction direction);
  void write_ref(JsonWriter& w, StructDef const& def, Direction direction) const;
  // Schema of one member. `nullable` is false for parameters, where null counts as not given.
  void write_field(JsonWriter& w, FieldDef const& field, Direction direction, bool nullable) const;
  // All registered structs, by name.
  void write_all(JsonWriter& w) const;

 private:
  struct Use {
    StructDef const* def = nullptr;
    std::set<Direction> directions = {};
  };
  std::string name_of(StructDef const& def, Direction direction) const;
  void write_members(JsonWriter& w, Codec const& codec, Rules const& rules, Direction direction, bool nullable) const;
  void write_struct(JsonWriter& w, StructDef const& def, Direction direction) const;

  std::map<std::string, Use> uses_;
};

}  // namespace fealty::api::openapi
