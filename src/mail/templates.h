// The texts of mails: files of templates/mail/<language>/<name>.txt that are part of the program, and an operator's folder
// whose files of the same names go before them.
//
// The first line is "Subject: …", then an empty line, then the text. {name} stands for a value; "{{" for a brace.
#pragma once
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fealty::mail {

struct BuiltInTemplate {
  std::string_view language, name, text;
};
std::span<BuiltInTemplate const> built_in_templates();

using Values = std::map<std::string, std::string, std::less<>>;

struct Text {
  std::string subject, body;  // UTF-8; the subject is one line
};
// What is wrong with a template, for the operator.
class TemplateError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws TemplateError: no such template, no subject, a placeholder without a value. Values are put in as one line each: what
// somebody typed can neither begin a line of the text nor a header.
Text render(std::string_view text, Values const& values);

// The text in this language, else in its base language ("de" of "de-AT"), else in English. `folder` may be empty.
std::string find_template(std::string const& folder, std::string_view language, std::string_view name);

}  // namespace fealty::mail
