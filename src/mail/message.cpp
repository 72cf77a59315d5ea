#include "mail/message.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "api/schema.h"
#include "base/text.h"

namespace fealty::mail {
namespace {

// RFC 2047: an encoded word has at most 75 characters: "=?UTF-8?B?" and "?=" leave 63, and so 45 bytes.
constexpr std::size_t kWordBytesMax = 45;
// RFC 2045: a line of quoted-printable has at most 76 characters, the last of which may be "=".
constexpr std::size_t kLineMax = 75;
// RFC 5322: a line should have at most 78 characters; "Subject: " stands in front.
constexpr std::size_t kPlainHeaderMax = 66;

std::string base64(std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= bytes.size() - i ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::string quoted(std::string_view name) {
  if (!is_ascii(name)) return encode_header(name);
  std::string out = "\"";
  for (char const c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

bool is_sendable(std::string_view address) {
  return api::is_email(address) && address.find_first_of(" \t\r\n<>,;:\"()[]\\") == std::string_view::npos &&
         !has_control_characters(address, false);
}

std::optional<Mailbox> parse_mailbox(std::string_view text) {
  text = trim_space(text);
  Mailbox out;
  if (auto const open = text.rfind('<'); open != std::string_view::npos && text.ends_with('>')) {
    out.name = std::string(trim_space(text.substr(0, open)));
    if (out.name.size() >= 2 && out.name.front() == '"' && out.name.back() == '"') out.name = out.name.substr(1, out.name.size() - 2);
    out.address = std::string(text.substr(open + 1, text.size() - open - 2));
  } else {
    out.address = std::string(text);
  }
  if (!is_sendable(out.address) || !is_valid_utf8(out.name) || has_control_characters(out.name, false)) return std::nullopt;
  return out;
}

std::string encode_header(std::string_view text) {
  bool const plain =
      is_ascii(text) && text.size() <= kPlainHeaderMax && !has_control_characters(text, false) && text.find("=?") == std::string_view::npos;
  if (plain) return std::string(text);
  std::string out;
  while (!text.empty()) {
    std::size_t size = std::min(text.size(), kWordBytesMax);
    // Each word is text of its own: a character is never cut in two.
    while (size < text.size() && size > 1 && is_continuation(text[size])) --size;
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(text.substr(0, size)) + "?=";
    text.remove_prefix(size);
  }
  return out;
}

std::string quoted_printable(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\n') {
      out += "\r\n";
      column = 0;
      continue;
    }
    auto const byte = static_cast<unsigned char>(c);
    bool const at_end = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    bool const plain = (byte >= 33 && byte <= 126 && c != '=') || ((c == ' ' || c == '\t') && !at_end);
    if (column + (plain ? 1 : 3) > kLineMax) {
      out += "=\r\n";
      column = 0;
    }
    if (plain) {
      out += c;
    } else {
      out += {'=', kHex[byte >> 4], kHex[byte & 15]};
    }
    column += plain ? 1 : 3;
  }
  return out;
}

std::string mail_date(TimeMs time) {
  static constexpr std::array<char const*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<char const*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  using namespace std::chrono;
  sys_seconds const at{seconds(time / 1'000)};
  auto const day = floor<days>(at);
  year_month_day const date(day);
  hh_mm_ss const clock(at - day);
  char out[48];
  std::snprintf(out, sizeof out, "%s, %02u %s %04d %02d:%02d:%02d +0000", kDays[weekday(day).c_encoding()],
                static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return out;
}

std::string compose(Message const& m, Form form) {
  auto const domain = m.from.address.substr(m.from.address.find('@') + 1);
  std::string out =
      "Date: " + mail_date(m.at) + "\r\nFrom: " + (m.from.name.empty() ? "" : quoted(m.from.name) + " ") + "<" + m.from.address +
      ">\r\nTo: <" + m.to + ">\r\nSubject: " + encode_header(m.text.subject) + "\r\nMessage-ID: <" + m.id + "@" + domain +
      ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n" +
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " + (form == Form::wire ? "quoted-printable" : "8bit") +
      "\r\n\r\n";
  if (form == Form::wire) return out + quoted_printable(m.text.body);
  for (std::size_t i = 0; i < m.text.body.size(); ++i) {
    if (m.text.body[i] == '\n' && (i == 0 || m.text.body[i - 1] != '\r')) out += '\r';
    out += m.text.body[i];
  }
  return out;
}

}  // namespace fealty::mail
