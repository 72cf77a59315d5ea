// Structured log lines over spdlog: an event word and fields. Never pass a key, password, token or body.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace fealty::log {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class Format : std::uint8_t { text, json };

struct Field {
  std::string_view name;
  std::string value;
  bool quoted = true;
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, char const* v) : name(n), value(v) {}
  Field(std::string_view n, std::string const& v) : name(n), value(v) {}
  template <class T>
    requires std::is_integral_v<T>
  Field(std::string_view n, T v) : name(n), quoted(false) {
    if constexpr (std::is_same_v<T, bool>)
      value = v ? "true" : "false";
    else
      value = std::to_string(v);
  }
};

// Before the first line; lines go to standard error. Without a call: text, info.
void configure(Format format, Level least);
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});
inline void debug(std::string_view e, std::initializer_list<Field> f = {}) { write(Level::debug, e, f); }
inline void info(std::string_view e, std::initializer_list<Field> f = {}) { write(Level::info, e, f); }
inline void warning(std::string_view e, std::initializer_list<Field> f = {}) { write(Level::warning, e, f); }
inline void error(std::string_view e, std::initializer_list<Field> f = {}) { write(Level::error, e, f); }

}  // namespace fealty::log
