// Writes JSON directly, for answers whose shape is known at run time only. Structs with a schema are written by to_json().
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "api/schema.h"

namespace fealty::api {

// A call that would give broken JSON (a value without its key, an end that fits no begin) throws std::logic_error: it is a
// fault of the program, never of the data. Commas are put by the writer. One thread.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view text);
  JsonWriter& integer(std::int64_t number);
  JsonWriter& decimal(Decimal number);
  JsonWriter& boolean(bool truth);
  JsonWriter& null();
  // Complete JSON text of one value, trusted.
  JsonWriter& raw(std::string_view json);
  // Any type that a schema may hold.
  template <class T>
  JsonWriter& value(T const& v) {
    before_value();
    CodecFor<T>::value.write(out_, &v);
    return *this;
  }
  // The text; throws unless exactly one value was written completely.
  std::string take();

 private:
  enum class State : std::uint8_t { object_first, object_next, object_value, array_first, array_next };
  void before_value();
  void end(State first, State next, char bracket);

  std::string out_;
  std::vector<State> open_;
};

// The same JSON with two spaces of indentation and a final line feed, for documents that people read. For trusted text.
std::string indent_json(std::string_view json);

}  // namespace fealty::api
