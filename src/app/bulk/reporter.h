// What is said on standard error while a command works: a bar on a terminal, a line now and then elsewhere, nothing if quiet.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "app/bulk/progress.h"

namespace fealty::app::bulk {

class Reporter {
 public:
  explicit Reporter(bool quiet);
  ~Reporter();
  Reporter(Reporter const&) = delete;
  Reporter& operator=(Reporter const&) = delete;

  // A line of its own; the bar, if there is one, stands below it again.
  void note(std::string const& line);
  // Why nothing moves; empty when it moves again. Shown in the bar, or once as a line.
  void trouble(std::string const& text);
  // "uploading" or "downloading"; `total` 0 when it is not known.
  void transfer(std::string const& verb, std::int64_t done, std::int64_t total);
  void job(JobView const& job);
  // Wipes the bar, before something else is printed.
  void clear();

 private:
  enum class Style { silent, lines, bar };
  static Style style_of(bool quiet);
  void draw(std::string const& line);
  Terminal terminal() const;

  Style style_;
  bool colour_ = false, bar_shown_ = false;
  RateMeter rows_, bytes_;
  std::optional<JobView> last_;
  std::string trouble_, state_;
  std::int64_t next_line_ms_ = 0, next_draw_ms_ = 0;
};

}  // namespace fealty::app::bulk
