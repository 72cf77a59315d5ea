#include "access/api_log.h"

#include "access/api_log_store.h"
#include "api/json_writer.h"
#include "base/log.h"
#include "base/networks.h"
#include "base/text.h"
#include "base/zone.h"

namespace fealty::access {
namespace {

constexpr std::size_t kIssuesMax = 20, kStepMax = 40;
constexpr std::int64_t kRowsPerTransaction = 1'000;
constexpr int kStatusOfRefusals = 400;

// Names of parts that we gave ourselves, and places in lists. What a client invented could be anything.
bool is_plain_step(std::string_view step) {
  return !step.empty() && step.size() <= kStepMax && std::all_of(step.begin(), step.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string loggable_field(std::string_view field) {
  std::string out;
  bool first = true;
  for (auto const step : split(field, '/')) {
    if (!first) out += '/';
    first = false;
    out += step.empty() || is_plain_step(step) ? step : "…";
  }
  return out;
}

}  // namespace

std::string loggable(std::string_view text, std::size_t bytes_max) {
  if (!is_valid_utf8(text)) return {};
  auto end = std::min(text.size(), bytes_max);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  std::string out(text.substr(0, end));
  return has_control_characters(out, false) ? std::string() : out;
}

std::string loggable_issues(std::vector<Issue> const& issues) {
  api::JsonWriter w;
  w.begin_array();
  for (std::size_t i = 0; i < std::min(issues.size(), kIssuesMax); ++i)
    w.begin_object().key("field").string(loggable_field(issues[i].field)).key("code").string(issues[i].code).end_object();
  return w.end_array().take();
}

bool ApiLog::wants(CommunityNo community, bool reads, int status) const {
  if (!reads || status >= kStatusOfRefusals) return true;
  std::lock_guard const lock(mutex_);
  return reads_of_.contains(community);
}

void ApiLog::record(RequestRecord record) {
  {
    std::lock_guard const lock(mutex_);
    if (waiting_.size() < kQueueMax) {
      waiting_.push_back(std::move(record));
      return;
    }
  }
  ++dropped_;
}

void ApiLog::write() {
  std::vector<RequestRecord> records;
  {
    std::lock_guard const lock(mutex_);
    records.swap(waiting_);
  }
  for (std::size_t from = 0; from < records.size(); from += kRowsPerTransaction) {
    auto const to = std::min(records.size(), from + static_cast<std::size_t>(kRowsPerTransaction));
    std::vector<StoredRequest> rows;
    for (auto i = from; i < to; ++i) rows.push_back({numbers_.next(), std::move(records[i])});
    try {
      database_.write([&](sql::Tx& tx) { append_requests(tx, rows); });
    } catch (sql::StorageError const&) {
      // Kept again they would only crowd out those that come.
      dropped_ += static_cast<std::int64_t>(records.size() - from);
      throw;
    }
  }
}

void ApiLog::learn_settings() {
  auto const communities = database_.read([](sql::Tx& tx) { return communities_logging_reads(tx); });
  std::lock_guard const lock(mutex_);
  reads_of_ = {communities.begin(), communities.end()};
}

bool ApiLog::prune(std::function<bool(std::int64_t)> const& go_on) {
  TimeMs const now = clock_();
  for (auto const& [community, days] : database_.read([](sql::Tx& tx) { return log_settings(tx); })) {
    auto const before = NumberSource::first_at(now - days * kDayMs);
    for (std::int64_t removed = kRowsPerTransaction; removed == kRowsPerTransaction;) {
      auto const began_ms = steady_now_ms();
      removed = database_.write([&](sql::Tx& tx) { return remove_requests(tx, community, before, kRowsPerTransaction); });
      if (!go_on(began_ms)) return false;
    }
    if (days * kDayMs <= kAddressMs) continue;
    // What was cut before the start is looked at once, and left as it is.
    auto& cut_to = addresses_cut_to_[community];
    for (std::size_t found = kRowsPerTransaction; found == static_cast<std::size_t>(kRowsPerTransaction);) {
      auto const began_ms = steady_now_ms();
      auto const addresses = database_.read([&](sql::Tx& tx) {
        return logged_addresses(tx, community, cut_to, NumberSource::first_at(now - kAddressMs), kRowsPerTransaction);
      });
      found = addresses.size();
      std::vector<LoggedAddress> changed;
      for (auto const& a : addresses)
        if (auto network = network_of(a.address); network != a.address) changed.push_back({a.number, std::move(network)});
      if (!changed.empty()) database_.write([&](sql::Tx& tx) { set_addresses(tx, community, changed); });
      if (!addresses.empty()) cut_to = addresses.back().number;
      if (!go_on(began_ms)) return false;
    }
  }
  return true;
}

void ApiLog::start() {
  learn_settings();
  background_.start([this] { run(); });
}

void ApiLog::stop() {
  background_.stop();
  try {
    write();
  } catch (std::exception const& e) {
    log::warning("api_log.write_failed", {{"reason", e.what()}});
  }
}

void ApiLog::run() {
  std::int64_t next_settings_ms = 0, next_prune_ms = 0;
  do {
    try {
      write();
      if (auto const dropped = dropped_.load(); dropped != dropped_told_) {
        log::warning("api_log.dropped", {{"requests", dropped - dropped_told_}});
        dropped_told_ = dropped;
      }
      auto const now_ms = steady_now_ms();
      if (now_ms >= next_settings_ms) {
        learn_settings();
        next_settings_ms = now_ms + kSettingsEveryMs;
      }
      if (now_ms >= next_prune_ms) {
        if (!prune([this](std::int64_t began_ms) {
              write();  // what comes meanwhile does not wait for the end of this
              return background_.rest_after(began_ms);
            }))
          return;
        next_prune_ms = now_ms + kPruneEveryMs;
      }
    } catch (std::exception const& e) {
      log::warning("api_log.failed", {{"reason", e.what()}});
    }
  } while (background_.wait(kWriteEveryMs));
}

}  // namespace fealty::access
