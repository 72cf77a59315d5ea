#include "mail/templates.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

#include "base/text.h"

namespace fealty::mail {
namespace {

constexpr std::size_t kTemplateBytesMax = 64 * 1024;

std::string one_line(std::string_view value) {
  std::string out;
  for (char const c : value) out += static_cast<unsigned char>(c) < ' ' || c == 127 ? ' ' : c;
  return is_valid_utf8(out) ? out : std::string();
}

// Names become parts of paths.
bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::optional<std::string> text_of(std::string const& folder, std::string_view language, std::string_view name) {
  if (!is_plain(language) || !is_plain(name)) return std::nullopt;
  if (!folder.empty()) {
    std::ifstream file(folder + "/" + std::string(language) + "/" + std::string(name) + ".txt", std::ios::binary);
    if (file) {
      std::string text{std::istreambuf_iterator<char>(file), {}};
      if (text.size() > kTemplateBytesMax || !is_valid_utf8(text))
        throw TemplateError("the template " + std::string(language) + "/" + std::string(name) + " is too large or not UTF-8");
      return text;
    }
  }
  for (auto const& t : built_in_templates())
    if (t.language == language && t.name == name) return std::string(t.text);
  return std::nullopt;
}

std::string fill(std::string_view text, Values const& values) {
  std::string out;
  while (!text.empty()) {
    auto const brace = std::min(text.find('{'), text.size());
    out += text.substr(0, brace);
    text.remove_prefix(brace);
    if (text.empty()) break;
    if (text.starts_with("{{")) {
      out += '{';
      text.remove_prefix(2);
      continue;
    }
    auto const end = text.find('}');
    auto const name = text.substr(1, end == std::string_view::npos ? 40 : end - 1);
    auto const value = end == std::string_view::npos ? values.end() : values.find(name);
    if (value == values.end()) throw TemplateError("there is no value for the placeholder {" + std::string(name) + "}");
    out += one_line(value->second);
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

Text render(std::string_view text, Values const& values) {
  constexpr std::string_view kSubject = "Subject:";
  auto const end = text.find('\n');
  if (!text.starts_with(kSubject) || end == std::string_view::npos) throw TemplateError("its first line is no \"Subject: …\"");
  Text out{fill(trim_space(text.substr(kSubject.size(), end - kSubject.size())), values), {}};
  text.remove_prefix(end + 1);
  while (text.starts_with('\n') || text.starts_with('\r')) text.remove_prefix(1);
  out.body = fill(text, values);
  if (out.subject.empty() || out.body.empty()) throw TemplateError("its subject or its text is empty");
  return out;
}

std::string find_template(std::string const& folder, std::string_view language, std::string_view name) {
  std::string const base(language.substr(0, std::min(language.find('-'), language.size())));
  for (auto const& l : {std::string(language), base, std::string("en")})
    if (auto text = text_of(folder, l, name)) return *std::move(text);
  throw TemplateError("there is no template " + std::string(name));
}

}  // namespace fealty::mail
