#include "api/json_writer.h"

#include <charconv>
#include <stdexcept>

namespace fealty::api {

namespace {

[[noreturn]] void misuse(char const* what) { throw std::logic_error(std::string("JsonWriter: ") + what); }

}  // namespace

void JsonWriter::before_value() {
  if (open_.empty()) {
    if (!out_.empty()) misuse("a second value at the top");
    return;
  }
  switch (open_.back()) {
    case State::object_first:
    case State::object_next: misuse("a value without its key");
    case State::object_value: open_.back() = State::object_next; break;
    case State::array_first: open_.back() = State::array_next; break;
    case State::array_next: out_ += ','; break;
  }
}

void JsonWriter::end(State first, State next, char bracket) {
  if (open_.empty() || (open_.back() != first && open_.back() != next)) misuse("an end that fits no begin");
  open_.pop_back();
  out_ += bracket;
}

JsonWriter& JsonWriter::begin_object() {
  before_value();
  open_.push_back(State::object_first);
  out_ += '{';
  return *this;
}
JsonWriter& JsonWriter::end_object() {
  end(State::object_first, State::object_next, '}');
  return *this;
}
JsonWriter& JsonWriter::begin_array() {
  before_value();
  open_.push_back(State::array_first);
  out_ += '[';
  return *this;
}
JsonWriter& JsonWriter::end_array() {
  end(State::array_first, State::array_next, ']');
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  if (open_.empty() || (open_.back() != State::object_first && open_.back() != State::object_next)) misuse("a key outside an object");
  if (open_.back() == State::object_next) out_ += ',';
  open_.back() = State::object_value;
  write_json_string(out_, name);
  out_ += ':';
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  before_value();
  write_json_string(out_, text);
  return *this;
}
JsonWriter& JsonWriter::integer(std::int64_t number) {
  before_value();
  char digits[24];
  out_.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  return *this;
}
JsonWriter& JsonWriter::decimal(Decimal number) {
  before_value();
  number.append_to(out_);
  return *this;
}
JsonWriter& JsonWriter::boolean(bool truth) {
  before_value();
  out_ += truth ? "true" : "false";
  return *this;
}
JsonWriter& JsonWriter::null() {
  before_value();
  out_ += "null";
  return *this;
}
JsonWriter& JsonWriter::raw(std::string_view json) {
  if (json.empty()) misuse("empty raw text");
  before_value();
  out_ += json;
  return *this;
}

std::string JsonWriter::take() {
  if (!open_.empty() || out_.empty()) misuse("taken before it was complete");
  return std::exchange(out_, {});
}

std::string indent_json(std::string_view json) {
  std::string out;
  int depth = 0;
  auto line = [&] {
    out += '\n';
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
  };
  bool inside_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    char const c = json[i];
    if (inside_string) {
      out += c;
      if (c == '\\' && i + 1 < json.size()) {
        out += json[++i];
      } else if (c == '"') {
        inside_string = false;
      }
      continue;
    }
    switch (c) {
      case '"':
        inside_string = true;
        out += c;
        break;
      case '{':
      case '[':
        out += c;
        if (i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']')) {
          out += json[++i];
        } else {
          ++depth;
          line();
        }
        break;
      case '}':
      case ']':
        --depth;
        line();
        out += c;
        break;
      case ',':
        out += c;
        line();
        break;
      case ':': out += ": "; break;
      case ' ':
      case '\t':
      case '\r':
      case '\n': break;
      default: out += c;
    }
  }
  out += '\n';
  return out;
}

}  // namespace fealty::api
