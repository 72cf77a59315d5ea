// One declaration of a struct's fields gives JSON parsing with every problem reported, query and form parameters, answers
// and the OpenAPI schema. No JSON library is visible here: the codec lives in schema.cpp.
//
//   struct StatusOut { std::string _id; std::optional<std::int64_t> max_errors; };
//   FEALTY_SCHEMA(fealty::jobs::StatusOut,
//     field<&fealty::jobs::StatusOut::_id>("_id", "Id of the job."),
//     field<&fealty::jobs::StatusOut::max_errors>("max_errors", "Failed rows after which the job stops."))
//
// Member types: std::string, bool, std::int64_t, Decimal (JSON numbers or decimal strings in, numbers out, exact), PublicId
// (24 hex), Json (text copied as it is), structs with a schema, std::vector and std::optional of these. An optional that
// is empty is written as null unless its rule says omit_empty.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "base/decimal.h"
#include "base/error.h"
#include "base/id.h"

namespace fealty::api {

// JSON text that is already written.
struct Json {
  std::string text;
};

struct Rules {
  std::optional<std::int64_t> min = {};  // numbers: value; strings: code points; vectors: items
  std::optional<std::int64_t> max = {};
  std::span<std::string_view const> one_of = {};  // strings
  std::string_view format = {};          // "email", "date-time", "id": checked on input, written to the schema
  bool required = false;                 // input
  bool omit_empty = false;               // output: an empty optional or vector is left out
  std::string_view example = {};         // JSON text
};

struct JsonIn;   // defined by the codec
struct StructDef;

// What the codec knows of one C++ type.
struct Codec {
  std::string_view json_type;  // "string", "integer", "number", "boolean", "array", "object", "" for any
  std::string_view json_format;
  bool (*read)(JsonIn const&, void* out, Rules const&, std::vector<Issue>&, std::string const& pointer);
  // Text from a query or form field. Null for arrays and objects.
  bool (*read_text)(std::string_view text, void* out, Rules const&, std::vector<Issue>&, std::string const& name);
  void (*write)(std::string& out, void const* value);
  bool (*empty)(void const* value);  // for omit_empty; null = never empty
  StructDef const* nested = nullptr; // of the struct, or of the items of an array
  Codec const* items = nullptr;      // arrays
  bool optional = false;
};

struct FieldDef {
  std::string_view name, doc;
  Rules rules;
  Codec const* codec;
  void* (*at)(void*);
};

struct StructDef {
  std::string_view name;
  std::span<FieldDef const> fields;
};

template <class T>
struct Schema;  // specialised by FEALTY_SCHEMA
template <class T>
struct CodecFor;  // codec_of<T>() below; specialised in schema.h's second half and schema.cpp

// JSON object to struct. Unknown members are ignored; duplicate members and depth over 32 are refused; all problems are
// appended to `issues` with JSON Pointers. True when there were none.
bool parse_json(StructDef const& def, std::string_view body, void* out, std::vector<Issue>& issues);
// Name/value pairs (query, form fields). Values `undefined`, `null` and empty count as not given; unknown names are
// ignored; a name given twice is a problem.
bool parse_pairs(StructDef const& def, std::span<std::pair<std::string, std::string> const> pairs, void* out,
                 std::vector<Issue>& issues);
void write_json(StructDef const& def, void const* value, std::string& out);
// A JSON string with its quotes.
void write_json_string(std::string& out, std::string_view text);

template <class T>
std::string to_json(T const& value) {
  std::string out;
  write_json(Schema<T>::def, &value, out);
  return out;
}
template <class T>
bool from_json(std::string_view body, T& out, std::vector<Issue>& issues) {
  return parse_json(Schema<T>::def, body, &out, issues);
}
template <class T>
bool from_pairs(std::span<std::pair<std::string, std::string> const> pairs, T& out, std::vector<Issue>& issues) {
  return parse_pairs(Schema<T>::def, pairs, &out, issues);
}

}  // namespace fealty::api
