#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/time.h"

namespace fealty::log {
namespace {

std::atomic<Format> g_format{Format::text};

spdlog::logger& logger() {
  static auto const made = [] {
    auto l = spdlog::stderr_color_mt("fealty");
    l->set_pattern("%v");
    l->flush_on(spdlog::level::info);
    return l;
  }();
  return *made;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    auto const u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (u < 0x20 || u == 0x7F) {
      constexpr std::string_view kHex = "0123456789abcdef";
      out += "\\u00";
      out += kHex[u >> 4];
      out += kHex[u & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};

}  // namespace

void configure(Format format, Level least) {
  g_format = format;
  logger().set_level(kLevels[static_cast<int>(least)]);
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  auto const spd = kLevels[static_cast<int>(level)];
  if (!logger().should_log(spd)) return;
  std::string line;
  if (g_format.load(std::memory_order_relaxed) == Format::json) {
    line = "{\"time\":\"" + to_iso(system_now()) + "\",\"level\":\"" + std::string(kNames[static_cast<int>(level)]) + "\",\"event\":";
    append_quoted(line, event);
    for (auto const& f : fields) {
      line += ',';
      append_quoted(line, f.name);
      line += ':';
      if (f.quoted)
        append_quoted(line, f.value);
      else
        line += f.value;
    }
    line += '}';
  } else {
    line = to_iso(system_now()) + ' ' + std::string(kNames[static_cast<int>(level)]) + ' ' + std::string(event);
    for (auto const& f : fields) {
      line += ' ';
      line += f.name;
      line += '=';
      bool const plain = !f.quoted || (!f.value.empty() && f.value.find_first_of(" \"=\\\n\r\t") == std::string::npos);
      if (plain)
        line += f.value;
      else
        append_quoted(line, f.value);
    }
  }
  logger().log(spd, "{}", line);
}

}  // namespace fealty::log
