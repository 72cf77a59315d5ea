// A parsed JSON text: numbers keep their digits, strings are decoded, nothing goes through binary floating point. The
// codec of schema.h reads from it; handlers use it for input whose shape is known at run time only (custom fields).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "api/schema.h"

namespace fealty::api {

inline constexpr int kJsonDepthMax = 32;
// Values of one text. A tree takes about 24 bytes a value beside the text itself.
inline constexpr std::size_t kJsonValuesMax = 100'000;
inline constexpr std::size_t kJsonBytesMax = 64 * 1024 * 1024;

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

class JsonTree;

// A value inside a tree; valid while the tree lives. Cheap to copy.
class JsonValue {
 public:
  JsonKind kind() const;
  bool is_null() const { return kind() == JsonKind::null; }
  bool truth() const;             // of a boolean
  std::string_view text() const;  // a string's decoded text, a number's digits as sent; otherwise empty
  std::string_view name() const;  // of an object's member
  std::size_t size() const;       // items or members
  // Member of that name, or nothing (also when this is no object).
  std::optional<JsonValue> find(std::string_view name) const;
  // The value as JSON text without white space; numbers as they were sent.
  void write(std::string& out) const;

  class Iterator {
   public:
    Iterator(JsonTree const* tree, std::uint32_t index) : tree_(tree), index_(index) {}
    JsonValue operator*() const { return {tree_, index_}; }
    Iterator& operator++();
    bool operator==(Iterator const&) const = default;

   private:
    JsonTree const* tree_;
    std::uint32_t index_;
  };
  // Items of an array or members of an object, in the order of the text.
  Iterator begin() const;
  Iterator end() const;

  JsonValue(JsonTree const* tree, std::uint32_t index) : tree_(tree), index_(index) {}

 private:
  JsonTree const* tree_;
  std::uint32_t index_;
};

class JsonTree {
 public:
  // One JSON value with nothing after it but white space. Otherwise false, with the problems appended: broken syntax
  // (with line and column), text that is no UTF-8, depth over 32, duplicate members.
  bool parse(std::string_view text, std::vector<Issue>& issues);
  // The whole text was read: root() may be used, even when parse() found duplicate members.
  bool complete() const { return complete_; }
  JsonValue root() const { return {this, 0}; }

 private:
  friend class JsonValue;
  friend class JsonTreeBuilder;
  struct Node {
    JsonKind kind = JsonKind::null;
    bool truth = false;
    std::uint32_t name_at = 0, name_size = 0;  // in text_
    std::uint32_t text_at = 0, text_size = 0;  // in text_; of arrays and objects text_size is the number of items
    std::uint32_t end = 0;                     // first node after this one and all in it
  };
  std::vector<Node> nodes_;  // a parent before its children
  std::string text_;
  bool complete_ = false;
};

struct JsonIn {
  JsonValue value;
};

// The exact value of a JSON number's digits; exponents are accepted, precision is never lost.
ParsedDecimal json_decimal(std::string_view number);
// The exact integer, also of 1.0 and 1e3; nothing with not_a_number when it has a fraction, with out_of_range beyond 64 bits.
struct ParsedInteger {
  std::int64_t value = 0;
  DecimalError error = DecimalError::none;
};
ParsedInteger json_integer(std::string_view number);
// "/a~1b/3": one more step of a JSON Pointer.
void append_pointer(std::string& pointer, std::string_view name);

}  // namespace fealty::api
