#include "api/openapi_schema.h"

#include <stdexcept>

namespace fealty::api::openapi {

namespace {

constexpr std::string_view kIdPattern = "^[0-9a-f]{24}$";

// "jobs::StatusOut" to "jobs.StatusOut": component names allow no colons.
std::string component_name(std::string_view type) {
  std::string out;
  for (std::size_t i = 0; i < type.size(); ++i) {
    if (type.substr(i).starts_with("::")) {
      out += '.';
      ++i;
    } else {
      out += type[i];
    }
  }
  return out;
}

Codec const& without_optional(Codec const& codec) {
  Codec const* out = &codec;
  while (out->optional) out = out->items;
  return *out;
}

void write_type(JsonWriter& w, std::string_view type, std::string_view second, bool nullable) {
  w.key("type");
  if (second.empty() && !nullable) {
    w.string(type);
    return;
  }
  w.begin_array().string(type);
  if (!second.empty()) w.string(second);
  if (nullable) w.string("null");
  w.end_array();
}

void write_bounds(JsonWriter& w, Rules const& rules, std::string_view least, std::string_view most) {
  if (rules.min) w.key(least).integer(*rules.min);
  if (rules.max) w.key(most).integer(*rules.max);
}

}  // namespace

void Components::use(StructDef const& def, Direction direction) {
  Use& use = uses_[component_name(def.name)];
  if (use.def && use.def != &def) throw std::logic_error("two structs are called " + std::string(def.name));
  use.def = &def;
  if (!use.directions.insert(direction).second) return;
  for (FieldDef const& field : def.fields) {
    Codec const* codec = field.codec;
    while (codec->items) codec = codec->items;
    if (codec->nested) this->use(*codec->nested, direction);
  }
}

std::string Components::name_of(StructDef const& def, Direction direction) const {
  std::string name = component_name(def.name);
  bool const both = uses_.at(name).directions.size() > 1;
  if (both && direction == Direction::in) name += "Input";
  return name;
}

void Components::write_ref(JsonWriter& w, StructDef const& def, Direction direction) const {
  w.begin_object().key("$ref").string("#/components/schemas/" + name_of(def, direction)).end_object();
}

void Components::write_members(JsonWriter& w, Codec const& codec, Rules const& rules, Direction direction, bool nullable) const {
  Codec const& plain = without_optional(codec);
  bool const null_too = nullable && codec.optional;
  if (plain.nested) {
    std::string const ref = "#/components/schemas/" + name_of(*plain.nested, direction);
    if (!null_too) {
      w.key("$ref").string(ref);
      return;
    }
    w.key("anyOf").begin_array().begin_object().key("$ref").string(ref).end_object();
    w.begin_object().key("type").string("null").end_object().end_array();
    return;
  }
  if (plain.json_type.empty()) return;  // any value
  bool const decimal_in = plain.json_format == "decimal" && direction == Direction::in;
  write_type(w, plain.json_type, decimal_in ? "string" : "", null_too);
  if (plain.json_type == "array") {
    write_bounds(w, rules, "minItems", "maxItems");
    Rules const each = rules.items ? *rules.items : Rules{.one_of = rules.one_of, .format = rules.format};
    w.key("items").begin_object();
    write_members(w, *plain.items, each, direction, true);
    w.end_object();
    return;
  }
  if (plain.json_type == "string") {
    write_bounds(w, rules, "minLength", "maxLength");
    bool const id = plain.json_format == "id" || rules.format == "id";
    if (id) {
      w.key("pattern").string(kIdPattern);
    } else if (!rules.format.empty() && rules.format != "multi-line") {
      w.key("format").string(rules.format);
    }
    if (!rules.one_of.empty()) {
      w.key("enum").begin_array();
      for (auto option : rules.one_of) w.string(option);
      if (null_too) w.null();
      w.end_array();
    }
    return;
  }
  if (!plain.json_format.empty()) w.key("format").string(plain.json_format);
  write_bounds(w, rules, "minimum", "maximum");
}

void Components::write_field(JsonWriter& w, FieldDef const& field, Direction direction, bool nullable) const {
  w.begin_object();
  write_members(w, *field.codec, field.rules, direction, nullable);
  if (!field.doc.empty()) w.key("description").string(field.doc);
  if (!field.rules.example.empty()) w.key("examples").begin_array().raw(field.rules.example).end_array();
  w.end_object();
}

void Components::write_struct(JsonWriter& w, StructDef const& def, Direction direction) const {
  w.begin_object().key("type").string("object").key("properties").begin_object();
  std::vector<std::string> required;
  for (FieldDef const& field : def.fields) {
    write_field(w.key(field.name), field, direction, true);
    bool const always = direction == Direction::in ? field.rules.required : !(field.rules.omit_empty && field.codec->empty);
    if (always) required.emplace_back(field.name);
  }
  w.end_object();
  if (!required.empty()) w.key("required").value(required);
  w.end_object();
}

void Components::write_all(JsonWriter& w) const {
  for (auto const& [name, use] : uses_) {
    for (Direction direction : use.directions) write_struct(w.key(name_of(*use.def, direction)), *use.def, direction);
  }
}

}  // namespace fealty::api::openapi
