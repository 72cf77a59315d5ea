#include "app/bulk/arguments.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>

#include "base/limits.h"
#include "base/text.h"

namespace fealty::app::bulk {
namespace {

constexpr std::size_t kReasonCharactersMax = 500, kIdempotencyKeyCharactersMax = 255, kKeyBytesMax = 4096;

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word_list(std::string_view text) {
  for (auto const part : split(text, ','))
    if (part.empty() || part.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string_view::npos) return false;
  return true;
}

std::string text_problem(std::string const& option, std::string_view text, std::size_t most) {
  if (!is_valid_utf8(text) || has_control_characters(text, false)) return option + " takes plain UTF-8 text on one line.";
  std::size_t const length = code_points(text);
  if (length <= most) return {};
  return option + " takes at most " + std::to_string(most) + " characters; this has " + std::to_string(length) + ".";
}

[[noreturn]] void wrong(std::string const& text) { throw CommandError(Exit::usage, text); }

std::string read_all(int descriptor, std::string const& what, Interrupt const& interrupt) {
  std::string text;
  std::array<char, 1024> piece;
  for (;;) {
    if (!interrupt.wait_readable(descriptor)) throw Interrupted();
    ssize_t const n = ::read(descriptor, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) wrong("The key could not be read from " + what + ": " + std::strerror(errno) + ".");
    if (n == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(n));
    if (text.size() > kKeyBytesMax) wrong(what + " holds more than 4,096 bytes, so it is no API key.");
  }
}

// Somebody types it: one line, which the terminal does not show.
std::string read_typed(Interrupt const& interrupt) {
  struct Unseen {
    termios before{};
    Unseen() {
      ::tcgetattr(STDIN_FILENO, &before);
      termios now = before;
      now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
      ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
    }
    ~Unseen() { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before); }
  };
  std::cerr << "API key: " << std::flush;
  std::string line;
  {
    Unseen const unseen;
    if (!interrupt.wait_readable(STDIN_FILENO)) throw Interrupted();
    std::array<char, kKeyBytesMax> piece;  // a terminal gives a whole line
    ssize_t const n = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (n > 0) line.assign(piece.data(), static_cast<std::size_t>(n));
  }
  std::cerr << "\n";
  return line;
}

std::string read_key_file(std::string const& path, Interrupt const& interrupt) {
  struct Closer {
    int descriptor;
    ~Closer() {
      if (descriptor >= 0) ::close(descriptor);
    }
  } const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.descriptor < 0) wrong("The key file " + printable(path) + " cannot be opened: " + std::strerror(errno) + ".");
  struct stat about{};
  // Asked of the open file: between a question about the name and the opening somebody could exchange it.
  if (::fstat(file.descriptor, &about) != 0)
    wrong("The key file " + printable(path) + " cannot be looked at: " + std::strerror(errno) + ".");
  if (!S_ISREG(about.st_mode) && !S_ISFIFO(about.st_mode)) wrong("The key file " + printable(path) + " is no file.");
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    wrong("The key file " + printable(path) + " can be used by other users of this machine. Run: chmod 600 " + printable(path) +
          "\nIf others may have read it already, make a new key and revoke this one.");
  return read_all(file.descriptor, printable(path), interrupt);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string const valid = is_valid_utf8(text) ? std::string(text) : [&] {
    std::string ascii(text);
    std::ranges::replace_if(ascii, [](unsigned char c) { return c >= 0x80; }, '?');
    return ascii;
  }();
  std::string out;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    auto const c = static_cast<unsigned char>(valid[i]);
    // U+0080 to U+009F are the second set of control characters: C2 80 to C2 9F.
    bool const second_set = c == 0xC2 && static_cast<unsigned char>(valid[i + 1]) < 0xA0;
    if (second_set) ++i;
    out += second_set || c < 0x20 || c == 0x7F ? '?' : valid[i];
  }
  return out;
}

std::string problem_of_id(std::string_view id) {
  if (id.size() == 24 && std::ranges::all_of(id, is_hex)) return {};
  return "\"" + printable(id) + "\" is no job's id: it has 24 hex digits. List jobs with: fealty bulk list";
}

std::vector<std::string> problems_of_upload(Arguments const& a) {
  Limits const limits;
  std::vector<std::string> out;
  auto const add = [&](std::string problem) {
    if (!problem.empty()) out.push_back(std::move(problem));
  };
  if (a.kind != "update" && a.kind != "premium" && a.kind != "import") add("--kind takes update, premium or import.");
  if (a.file.empty()) add("FILE is empty: name a CSV file, or - for standard input.");
  if (a.file == "-" && a.connection.key_file == "-")
    add("Standard input cannot be both the file and the key: name one of them, or give the key in FEALTY_API_KEY.");
  add(text_problem("--log-name", a.log_name, static_cast<std::size_t>(limits.bulk_log_name_characters_max)));
  bool const visible = std::ranges::all_of(a.idempotency_key, [](char c) { return c > ' ' && c < 0x7F; });
  if (!visible || a.idempotency_key.size() > kIdempotencyKeyCharactersMax)
    add("--idempotency-key takes 1 to 255 visible ASCII characters without spaces.");
  if (a.max_errors && (*a.max_errors < 0 || *a.max_errors > limits.bulk_max_errors_max))
    add("--max-errors takes a whole number from 0 to " + std::to_string(limits.bulk_max_errors_max) + ".");
  return out;
}

std::vector<std::string> problems_of_revert(Arguments const& a) {
  std::vector<std::string> out;
  if (trim_space(a.reason).empty()) out.emplace_back("--reason must say why: the text stays with the job.");
  if (auto problem = text_problem("--reason", a.reason, kReasonCharactersMax); !problem.empty()) out.push_back(std::move(problem));
  return out;
}

std::vector<std::string> problems_of_list(Arguments const& a) {
  std::vector<std::string> out;
  for (auto const& [option, value] : {std::pair<std::string, std::string>{"--status", a.status}, {"--type", a.type}})
    if (!value.empty() && (!is_word_list(value) || value.find(',') != std::string::npos))
      out.push_back(option + " takes one word of small letters, such as " + (option == "--status" ? "processing." : "bulk_update."));
  return out;
}

std::vector<std::string> problems_of_results(Arguments const& a) {
  std::vector<std::string> out;
  if (!a.status.empty() && !is_word_list(a.status))
    out.emplace_back("--status takes outcomes of rows, comma-separated without spaces, such as failed,not_processed.");
  if (a.output.empty()) out.emplace_back("--output takes a file, or - for standard output.");
  return out;
}

std::string problem_of_connection(Connection const& c, ServerUrl const& server) {
  if (server.encrypted || server.this_machine || c.plain_http) return {};
  return "http:// to another machine would send the key unencrypted. Use https://, or give --plain-http if the way there is safe, such "
         "as a network of containers on one host.";
}

std::string read_key(Connection const& c, char const* from_environment, Interrupt const& interrupt) {
  std::string text;
  if (c.key_file == "-")
    text = ::isatty(STDIN_FILENO) == 1 ? read_typed(interrupt) : read_all(STDIN_FILENO, "standard input", interrupt);
  else if (!c.key_file.empty())
    text = read_key_file(c.key_file, interrupt);
  else if (from_environment != nullptr)
    text = from_environment;
  std::string_view const key = trim_space(text);
  if (key.empty())
    wrong(c.key_file.empty() ? "An API key is needed: name a file that holds it with --key-file, or set FEALTY_API_KEY. An operator of the "
                               "server makes one with: fealty api-key create"
                             : "There is no key in " + (c.key_file == "-" ? "standard input" : printable(c.key_file)) + ".");
  if (!std::ranges::all_of(key, [](char character) { return character > ' ' && character < 0x7F; }))
    wrong("What was given as the API key holds blanks or characters that no key has. It must be the key alone, on one line.");
  return std::string(key);
}

std::string upload_path(std::string_view kind) {
  return kind == "import"    ? "/v1/users/bulk-import"
         : kind == "premium" ? "/v1/users/bulk-update-premium-currency"
                             : "/v1/users/bulk-update";
}

std::string job_path(std::string_view id, std::string_view part) {
  return "/v1/users/bulk-update/" + std::string(id) + "/" + std::string(part);
}

std::string encode_query(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char const c : text) {
    bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (plain)
      out += static_cast<char>(c);
    else
      (out += '%').append({kDigits[c >> 4], kDigits[c & 15]});
  }
  return out;
}

std::string same_connection(Connection const& c) {
  auto const quoted = [](std::string const& text) {
    bool const plain =
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:[]@%+=,~") == std::string::npos;
    if (plain) return text;
    std::string out = "'";
    for (char const character : printable(text)) out += character == '\'' ? std::string("'\\''") : std::string(1, character);
    return out + "'";
  };
  std::string out;
  if (c.server != Connection().server) out += " --server " + quoted(c.server);
  if (!c.key_file.empty() && c.key_file != "-") out += " --key-file " + quoted(c.key_file);
  if (!c.ca_file.empty()) out += " --ca-file " + quoted(c.ca_file);
  if (c.plain_http) out += " --plain-http";
  return out;
}

}  // namespace fealty::app::bulk
