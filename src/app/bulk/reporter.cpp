#include "app/bulk/reporter.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/time.h"

namespace fealty::app::bulk {
namespace {

constexpr std::int64_t kLineEveryMs = 5'000, kDrawEveryMs = 100;
constexpr int kColumnsMin = 20, kColumnsDefault = 80;
constexpr char kWipe[] = "\r\033[K";

bool is_set(char const* name) {
  char const* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

void say(std::string const& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

Reporter::Style Reporter::style_of(bool quiet) {
  if (quiet) return Style::silent;
  char const* const kind = std::getenv("TERM");
  bool const moves = ::isatty(STDERR_FILENO) == 1 && kind != nullptr && *kind != '\0' && std::strcmp(kind, "dumb") != 0;
  return moves ? Style::bar : Style::lines;
}

// https://no-color.org: any value but an empty one.
Reporter::Reporter(bool quiet) : style_(style_of(quiet)), colour_(style_ == Style::bar && !is_set("NO_COLOR")) {}

Reporter::~Reporter() { clear(); }

Terminal Reporter::terminal() const {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return {std::max<int>(size.ws_col, kColumnsMin), colour_};
  int columns = kColumnsDefault;
  if (char const* const text = std::getenv("COLUMNS"); text != nullptr) std::from_chars(text, text + std::strlen(text), columns);
  return {std::clamp(columns, kColumnsMin, 1'000), colour_};
}

void Reporter::draw(std::string const& line) {
  say(kWipe + line);
  bar_shown_ = true;
}

void Reporter::clear() {
  if (bar_shown_) say(kWipe);
  bar_shown_ = false;
}

void Reporter::note(std::string const& line) {
  if (style_ == Style::silent) return;
  clear();
  say(line + "\n");
}

void Reporter::trouble(std::string const& text) {
  bool const changed = text != trouble_;
  trouble_ = text;
  if (style_ == Style::bar && last_) {
    draw(progress_bar(*last_, rows_, text.empty() ? "" : text + ", trying again", terminal()));
  } else if (changed) {
    if (style_ == Style::bar) clear();
    if (style_ != Style::silent) say(text.empty() ? "It goes on.\n" : text + "; trying again …\n");
  }
}

void Reporter::transfer(std::string const& verb, std::int64_t done, std::int64_t total) {
  auto const now = steady_now_ms();
  bytes_.add(now, done);
  if (style_ != Style::bar || now < next_draw_ms_) return;
  next_draw_ms_ = now + kDrawEveryMs;
  draw(transfer_bar(verb, done, total, bytes_, terminal()));
}

void Reporter::job(JobView const& job) {
  auto const now = steady_now_ms();
  // The time in the queue says nothing about the speed, nor does the time that a server takes to sort the rows first.
  if (job.status == "processing" && job.processed > 0) rows_.add(now, job.processed);
  last_ = job;
  if (style_ == Style::bar) return draw(progress_bar(job, rows_, trouble_.empty() ? "" : trouble_ + ", trying again", terminal()));
  if (style_ == Style::silent || job.has_ended()) return;
  if (job.status == state_ && now < next_line_ms_) return;
  state_ = job.status;
  next_line_ms_ = now + kLineEveryMs;
  say(progress_line(job, rows_) + "\n");
}

}  // namespace fealty::app::bulk
