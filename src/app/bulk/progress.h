// How far a job is, as text: rates, bars, lines. Pure: told the time and the width.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "app/bulk/job_view.h"

namespace fealty::app::bulk {

// Rows (or bytes) a second over the last ten seconds, so that a job that slows down or was cancelled and taken over shows it.
class RateMeter {
 public:
  void add(std::int64_t now_ms, std::int64_t done);
  // Nothing before two readings that lie a quarter of a second apart.
  std::optional<double> per_s() const;
  // Until `total` at this rate; nothing when the rate is unknown or nothing moves.
  std::optional<std::int64_t> left_s(std::int64_t total) const;

 private:
  struct Reading {
    std::int64_t at_ms, done;
  };
  std::deque<Reading> readings_;  // two in any tenth of a second at most
};

// "1,234,567".
std::string with_commas(std::int64_t number);
// "45 s", "3 min 20 s", "2 h 5 min", "3 d 4 h".
std::string duration_text(std::int64_t seconds);
// "5,321 bytes", "12.3 MB".
std::string bytes_text(std::int64_t bytes);

struct Terminal {
  int columns = 80;
  bool colour = false;
};

// One line that fits into columns - 1, so that no terminal wraps it: what matters least is left out first, then the bar.
// `trouble`, when not empty, stands in place of rate and time.
std::string progress_bar(JobView const& job, RateMeter const& meter, std::string const& trouble, Terminal terminal);
// The same for logs and mails.
std::string progress_line(JobView const& job, RateMeter const& meter);
// Of bytes on their way: "uploading 12.3 MB of 512.0 MB". `total` 0 when it is not known.
std::string transfer_bar(std::string const& verb, std::int64_t done, std::int64_t total, RateMeter const& meter, Terminal terminal);

}  // namespace fealty::app::bulk
