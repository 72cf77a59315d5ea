#include "app/bulk/progress.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace fealty::app::bulk {
namespace {

constexpr std::int64_t kWindowMs = 10'000, kSpacingMs = 100, kLeastSpanMs = 250;
constexpr int kBarMin = 10, kBarMax = 30;
constexpr char kGreen[] = "\033[32m", kYellow[] = "\033[33m", kRed[] = "\033[31m", kPlain[] = "\033[0m";

std::string paint(std::string const& text, char const* colour, bool wanted) {
  return wanted && !text.empty() ? colour + text + kPlain : text;
}

int percent(std::int64_t done, std::int64_t total) {
  if (total <= 0) return done > 0 ? 100 : 0;
  // Without overflow for any counts; 100 only when nothing is left.
  double const share = 100.0 * static_cast<double>(done) / static_cast<double>(total);
  return static_cast<int>(std::clamp(std::floor(share), 0.0, done < total ? 99.0 : 100.0));
}

std::string rate_text(double per_s) {
  if (per_s >= 10) return with_commas(static_cast<std::int64_t>(std::llround(std::min(per_s, 9e15))));
  auto const tenths = std::llround(per_s * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

// What is shown of a line: the text, and how it is painted.
struct Piece {
  std::string text;
  char const* colour = nullptr;
  int rank = 0;  // the highest is left out first
};

// Joins by two blanks what fits into `columns`.
std::string fit(std::vector<Piece> pieces, std::size_t columns, bool colour, std::size_t& used) {
  auto const width = [&] {
    std::size_t sum = 0;
    for (auto const& piece : pieces) sum += code_points(piece.text) + (sum > 0 ? 2 : 0);
    return sum;
  };
  std::erase_if(pieces, [](Piece const& piece) { return piece.text.empty(); });
  while (!pieces.empty() && width() > columns) pieces.erase(std::ranges::max_element(pieces, {}, &Piece::rank));
  used = width();
  std::string out;
  for (auto const& piece : pieces)
    out += (out.empty() ? "" : "  ") + (piece.colour == nullptr ? piece.text : paint(piece.text, piece.colour, colour));
  return out;
}

std::string bar_text(int share, int cells, char const* colour, bool wanted) {
  int const full = share * cells / 100;
  return "[" + paint(std::string(static_cast<std::size_t>(full), '#'), colour, wanted) +
         std::string(static_cast<std::size_t>(cells - full), '.') + "] ";
}

std::string with_bar(int share, std::vector<Piece> pieces, char const* colour, Terminal terminal) {
  std::size_t const room = static_cast<std::size_t>(std::max(terminal.columns - 1, 1));
  std::size_t used = 0;
  std::string const text = fit(std::move(pieces), room, terminal.colour, used);
  auto const cells = static_cast<int>(std::min<std::size_t>(room - used, kBarMax + 3)) - 3;  // brackets and a blank
  return (cells >= kBarMin ? bar_text(share, cells, colour, terminal.colour) : "") + text;
}

std::string state_of(JobView const& job) {
  if (job.status == "queued")
    return job.queue_position && *job.queue_position > 1 ? "queued, " + with_commas(*job.queue_position - 1) + " before it"
                                                         : "queued, next";
  if (job.status == "reverting") return "being reverted";
  if (job.cancel_requested && !job.has_ended()) return "cancelling";
  if (job.status == "processing") return job.processed == 0 ? "started" : "";
  return printable(job.status);
}

}  // namespace

void RateMeter::add(std::int64_t now_ms, std::int64_t done) {
  // Counters never go back; if one does, it is another server's and the past says nothing.
  if (!readings_.empty() && (done < readings_.back().done || now_ms < readings_.back().at_ms)) readings_.clear();
  // Many readings within a moment add nothing: the last of them stands for all.
  if (readings_.size() >= 2 && now_ms - readings_[readings_.size() - 2].at_ms < kSpacingMs) readings_.pop_back();
  readings_.push_back({now_ms, done});
  while (readings_.size() > 2 && now_ms - readings_[1].at_ms >= kWindowMs) readings_.pop_front();
}

std::optional<double> RateMeter::per_s() const {
  if (readings_.size() < 2) return std::nullopt;
  std::int64_t const span_ms = readings_.back().at_ms - readings_.front().at_ms;
  if (span_ms < kLeastSpanMs) return std::nullopt;
  return static_cast<double>(readings_.back().done - readings_.front().done) * 1000.0 / static_cast<double>(span_ms);
}

std::optional<std::int64_t> RateMeter::left_s(std::int64_t total) const {
  auto const rate = per_s();
  if (!rate || *rate <= 0) return std::nullopt;
  double const seconds = std::ceil(static_cast<double>(std::max<std::int64_t>(total - readings_.back().done, 0)) / *rate);
  constexpr double kYear_s = 365.0 * 24 * 3600;
  if (seconds > kYear_s) return std::nullopt;
  return static_cast<std::int64_t>(seconds);
}

std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  auto const least = static_cast<std::ptrdiff_t>(number < 0 ? 1 : 0);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > least; at -= 3) digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string duration_text(std::int64_t seconds) {
  auto const two = [](std::int64_t big, char const* big_unit, std::int64_t small, char const* small_unit) {
    return std::to_string(big) + big_unit + (small > 0 ? " " + std::to_string(small) + small_unit : "");
  };
  if (seconds < 60) return std::to_string(std::max<std::int64_t>(seconds, 0)) + " s";
  if (seconds < 3600) return two(seconds / 60, " min", seconds % 60, " s");
  if (seconds < 24 * 3600) return two(seconds / 3600, " h", seconds % 3600 / 60, " min");
  return two(seconds / (24 * 3600), " d", seconds % (24 * 3600) / 3600, " h");
}

std::string bytes_text(std::int64_t bytes) {
  if (bytes < 10'000) return with_commas(bytes) + (bytes == 1 ? " byte" : " bytes");
  constexpr std::array<char const*, 4> kUnits{"kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  auto const tenths = std::llround(value * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + kUnits[unit];
}

std::string progress_bar(JobView const& job, RateMeter const& meter, std::string const& trouble, Terminal terminal) {
  int const share = percent(job.processed, job.total);
  bool const quiet = !trouble.empty() || job.has_ended();
  auto const rate = quiet ? std::nullopt : meter.per_s();
  auto const left = quiet || job.status != "processing" ? std::nullopt : meter.left_s(job.total);
  std::vector<Piece> pieces;
  pieces.push_back({std::to_string(share) + " %", nullptr, 0});
  pieces.push_back({state_of(job), nullptr, 2});
  pieces.push_back({with_commas(job.processed) + " of " + with_commas(job.total) + " rows", nullptr, 3});
  if (rate && job.status == "processing") pieces.push_back({rate_text(*rate) + " rows/s", nullptr, 5});
  if (left) pieces.push_back({duration_text(*left) + " left", nullptr, 4});
  if (job.failed > 0) pieces.push_back({with_commas(job.failed) + " failed", kRed, 1});
  pieces.push_back({trouble, kYellow, 1});
  return with_bar(share, std::move(pieces), job.failed > 0 ? kYellow : kGreen, terminal);
}

std::string progress_line(JobView const& job, RateMeter const& meter) {
  std::string out =
      with_commas(job.processed) + " of " + with_commas(job.total) + " rows (" + std::to_string(percent(job.processed, job.total)) + " %)";
  if (auto const state = state_of(job); !state.empty()) out += ", " + state;
  if (job.status == "processing") {
    if (auto const rate = meter.per_s()) out += ", " + rate_text(*rate) + " rows/s";
    if (auto const left = meter.left_s(job.total)) out += ", " + duration_text(*left) + " left";
  }
  if (job.failed > 0) out += ", " + with_commas(job.failed) + " failed so far";
  return out;
}

std::string transfer_bar(std::string const& verb, std::int64_t done, std::int64_t total, RateMeter const& meter, Terminal terminal) {
  std::vector<Piece> pieces;
  if (total > 0) pieces.push_back({std::to_string(percent(done, total)) + " %", nullptr, 1});
  pieces.push_back({verb + " " + bytes_text(done) + (total > 0 ? " of " + bytes_text(total) : ""), nullptr, 0});
  if (auto const rate = meter.per_s()) pieces.push_back({bytes_text(std::llround(*rate)) + "/s", nullptr, 3});
  if (auto const left = meter.left_s(total); left && total > 0) pieces.push_back({duration_text(*left) + " left", nullptr, 2});
  if (total > 0) return with_bar(percent(done, total), std::move(pieces), kGreen, terminal);
  std::size_t used = 0;
  return fit(std::move(pieces), static_cast<std::size_t>(std::max(terminal.columns - 1, 1)), terminal.colour, used);
}

}  // namespace fealty::app::bulk
