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

// At most this many problems of one request are kept: an answer must not be larger than what it complains about. One more
// than this in a list means that it was cut (invalid_request() in typed.h tells the caller so).
inline constexpr std::size_t kRequestIssuesMax = 1'000;
void add_issue(std::vector<Issue>& issues, Issue issue);

struct Rules {
  std::optional<std::int64_t> min = {};  // numbers: value; strings: code points; vectors: items
  std::optional<std::int64_t> max = {};
  std::span<std::string_view const> one_of = {};  // strings
  // Strings, checked on input and written to the schema: "email", "date" (YYYY-MM-DD), "date-time" (ISO-8601 with zone),
  // "id" (24 hex), "multi-line" (line feeds and tabs allowed, CRLF becomes LF).
  std::string_view format = {};
  bool required = false;          // input
  bool omit_empty = false;        // output: an empty optional or vector is left out
  std::string_view example = {};  // JSON text
  Rules const* items = nullptr;   // vectors: rules of each item; without it one_of and format hold for each item
};

struct JsonIn;  // defined by the codec
struct StructDef;

// What the codec knows of one C++ type.
struct Codec {
  std::string_view json_type;  // "string", "integer", "number", "boolean", "array", "object", "" for any
  std::string_view json_format;
  bool (*read)(JsonIn const&, void* out, Rules const&, std::vector<Issue>&, std::string const& pointer);
  // Text from a query or form field; arrays of plain values are comma-separated. Null for what has no text form.
  bool (*read_text)(std::string_view text, void* out, Rules const&, std::vector<Issue>&, std::string const& name);
  void (*write)(std::string& out, void const* value);
  bool (*empty)(void const* value);   // for omit_empty; null = never empty
  StructDef const* nested = nullptr;  // structs
  Codec const* items = nullptr;       // of an array's items, or of what is optional
  bool optional = false;              // look at `items` for everything else
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
struct CodecFor;  // CodecFor<T>::value: below and in schema.cpp

// JSON object to struct. Unknown members are ignored; duplicate members and depth over 32 are refused; all problems are
// appended to `issues` with JSON Pointers. True when there were none; otherwise `out` is partly filled and not to be used.
bool parse_json(StructDef const& def, std::string_view body, void* out, std::vector<Issue>& issues);
// Name/value pairs (query, form fields). Values `undefined`, `null` and empty count as not given; unknown names are
// ignored; a name given twice is a problem.
bool parse_pairs(StructDef const& def, std::span<std::pair<std::string, std::string> const> pairs, void* out, std::vector<Issue>& issues);
void write_json(StructDef const& def, void const* value, std::string& out);
// The members of these names alone.
void write_json(StructDef const& def, void const* value, std::string& out, std::span<std::string const> only);
// A JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD: an answer is valid JSON whatever is stored.
void write_json_string(std::string& out, std::string_view text);

// local@domain with sane lengths and characters; whether the mailbox exists only a mail can tell. For trimmed text.
bool is_email(std::string_view text);

template <class T>
std::string to_json(T const& value) {
  std::string out;
  write_json(Schema<T>::def, &value, out);
  return out;
}
template <class T>
std::string to_json(T const& value, std::span<std::string const> only) {
  std::string out;
  write_json(Schema<T>::def, &value, out, only);
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

// ---- How the declarations become tables ----

namespace codec {
bool is_null(JsonIn const& in);
bool read_struct(StructDef const& def, JsonIn const& in, void* out, std::vector<Issue>& issues, std::string const& pointer);
// `append` adds an item to the vector and gives its place.
bool read_array(Codec const& item, JsonIn const& in, void* vector, void* (*append)(void*), Rules const& rules, std::vector<Issue>& issues,
                std::string const& pointer);
bool read_array_text(Codec const& item, std::string_view text, void* vector, void* (*append)(void*), Rules const& rules,
                     std::vector<Issue>& issues, std::string const& name);

template <class T>
inline constexpr bool kPlain = std::same_as<T, std::string> || std::same_as<T, bool> || std::same_as<T, std::int64_t> ||
                               std::same_as<T, Decimal> || std::same_as<T, PublicId>;
template <class T>
inline constexpr bool kOptional = false;
template <class T>
inline constexpr bool kOptional<std::optional<T>> = true;
}  // namespace codec

// Plain values: schema.cpp.
template <>
struct CodecFor<std::string> {
  static Codec const value;
};
template <>
struct CodecFor<bool> {
  static Codec const value;
};
template <>
struct CodecFor<std::int64_t> {
  static Codec const value;
};
template <>
struct CodecFor<Decimal> {
  static Codec const value;
};
template <>
struct CodecFor<PublicId> {
  static Codec const value;
};
template <>
struct CodecFor<Json> {
  static Codec const value;
};

// Structs.
template <class T>
struct CodecFor {
  static Codec const value;
};
template <class T>
constinit Codec const CodecFor<T>::value{
    .json_type = "object",
    .json_format = "",
    .read = [](JsonIn const& in, void* out, Rules const&, std::vector<Issue>& issues,
               std::string const& pointer) { return codec::read_struct(Schema<T>::def, in, out, issues, pointer); },
    .read_text = nullptr,
    .write = [](std::string& out, void const* value) { write_json(Schema<T>::def, value, out); },
    .empty = nullptr,
    .nested = &Schema<T>::def};

template <class T>
struct CodecFor<std::optional<T>> {
  static Codec const value;

 private:
  using Text = bool (*)(std::string_view, void*, Rules const&, std::vector<Issue>&, std::string const&);
  static constexpr Text read_text() {
    if constexpr (codec::kPlain<T>) {
      return [](std::string_view text, void* out, Rules const& rules, std::vector<Issue>& issues, std::string const& name) {
        return CodecFor<T>::value.read_text(text, &static_cast<std::optional<T>*>(out)->emplace(), rules, issues, name);
      };
    } else {
      return nullptr;
    }
  }
};
template <class T>
constinit Codec const CodecFor<std::optional<T>>::value{
    .json_type = "",
    .json_format = "",
    .read =
        [](JsonIn const& in, void* out, Rules const& rules, std::vector<Issue>& issues, std::string const& pointer) {
          auto& place = *static_cast<std::optional<T>*>(out);
          if (codec::is_null(in) && !codec::kOptional<T>) {
            place.reset();
            return true;
          }
          return CodecFor<T>::value.read(in, &place.emplace(), rules, issues, pointer);
        },
    .read_text = read_text(),
    .write =
        [](std::string& out, void const* value) {
          auto const& place = *static_cast<std::optional<T> const*>(value);
          if (place) {
            CodecFor<T>::value.write(out, &*place);
          } else {
            out += "null";
          }
        },
    .empty = [](void const* value) { return !static_cast<std::optional<T> const*>(value)->has_value(); },
    .items = &CodecFor<T>::value,
    .optional = true};

template <class T>
struct CodecFor<std::vector<T>> {
  static_assert(!std::same_as<T, bool>, "std::vector<bool> gives no address of an item");
  static Codec const value;

 private:
  using Text = bool (*)(std::string_view, void*, Rules const&, std::vector<Issue>&, std::string const&);
  static void* append(void* vector) { return &static_cast<std::vector<T>*>(vector)->emplace_back(); }
  static constexpr Text read_text() {
    if constexpr (codec::kPlain<T>) {
      return [](std::string_view text, void* out, Rules const& rules, std::vector<Issue>& issues, std::string const& name) {
        return codec::read_array_text(CodecFor<T>::value, text, out, append, rules, issues, name);
      };
    } else {
      return nullptr;
    }
  }
};
template <class T>
constinit Codec const CodecFor<std::vector<T>>::value{
    .json_type = "array",
    .json_format = "",
    .read = [](JsonIn const& in, void* out, Rules const& rules, std::vector<Issue>& issues,
               std::string const& pointer) { return codec::read_array(CodecFor<T>::value, in, out, append, rules, issues, pointer); },
    .read_text = read_text(),
    .write =
        [](std::string& out, void const* value) {
          out += '[';
          bool first = true;
          for (auto const& item : *static_cast<std::vector<T> const*>(value)) {
            if (!first) out += ',';
            first = false;
            CodecFor<T>::value.write(out, &item);
          }
          out += ']';
        },
    .empty = [](void const* value) { return static_cast<std::vector<T> const*>(value)->empty(); },
    .items = &CodecFor<T>::value};

template <auto Member>
struct MemberOf;
template <class S, class M, M S::* Member>
struct MemberOf<Member> {
  using Type = M;
  static void* at(void* s) { return &(static_cast<S*>(s)->*Member); }
};

// Fields of one struct; read_struct() keeps their places in an array of this size.
inline constexpr std::size_t kFieldsMax = 128;

template <auto Member>
consteval FieldDef field(std::string_view name, std::string_view doc, Rules rules = {}) {
  for (char c : name) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\') throw "a member's name must need no escapes in JSON";
  }
  return {name, doc, rules, &CodecFor<typename MemberOf<Member>::Type>::value, &MemberOf<Member>::at};
}
template <class... F>
consteval std::array<FieldDef, sizeof...(F)> fields_of(F... fields) {
  static_assert(sizeof...(F) <= kFieldsMax);
  return {fields...};
}
// "fealty::jobs::StatusOut" is known as "jobs::StatusOut".
consteval std::string_view schema_name(std::string_view type) {
  if (type.starts_with("::")) type.remove_prefix(2);
  if (type.starts_with("fealty::")) type.remove_prefix(8);
  return type;
}

// At global namespace, after the type and the schemas of its parts; Type with all its namespaces. field<> names members of
// the type itself, not of a base class.
#define FEALTY_SCHEMA(Type, ...)                                 \
  namespace fealty::api {                                        \
  template <>                                                    \
  struct Schema<Type> {                                          \
    static constexpr auto kFields = fields_of(__VA_ARGS__);      \
    static constexpr StructDef def{schema_name(#Type), kFields}; \
  };                                                             \
  }

}  // namespace fealty::api
