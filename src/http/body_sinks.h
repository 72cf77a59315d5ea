// Where a session puts the bytes of a body, and how long it waits for them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include "base/time.h"
#include "http/body_pipe.h"
#include "http/request_parser.h"

namespace fealty::http {

// Gathers or drops a body, up to a limit.
class BoundedSink final : public BodySink {
 public:
  BoundedSink(std::string* into, std::int64_t bytes_max) : into_(into), bytes_left_(bytes_max) {}
  std::size_t take(std::string_view bytes) override {
    std::size_t const count = std::min(bytes.size(), static_cast<std::size_t>(bytes_left_));
    if (into_) into_->append(bytes.substr(0, count));
    bytes_left_ -= static_cast<std::int64_t>(count);
    return count;
  }

 private:
  std::string* into_;
  std::int64_t bytes_left_;
};

// A deadline that moves on as often as a body does.
class Progress {
 public:
  Progress(int timeout_ms, std::int64_t step_bytes) : timeout_ms_(timeout_ms), step_bytes_(step_bytes) { restart(); }
  void restart() {
    deadline_ms_ = steady_now_ms() + timeout_ms_;
    bytes_ = 0;
  }
  void moved(std::size_t bytes) {
    bytes_ += static_cast<std::int64_t>(bytes);
    if (bytes_ >= step_bytes_) restart();
  }
  std::int64_t deadline_ms() const { return deadline_ms_; }

 private:
  int const timeout_ms_;
  std::int64_t const step_bytes_;
  std::int64_t deadline_ms_ = 0, bytes_ = 0;
};

// Fills an upload's pipe, up to a limit.
class PipeSink final : public BodySink {
 public:
  PipeSink(BodyPipe& pipe, std::int64_t bytes_max) : pipe_(pipe), bytes_left_(bytes_max) {}
  std::size_t take(std::string_view bytes) override {
    bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::int64_t>(bytes_left_, static_cast<std::int64_t>(bytes.size()))));
    std::size_t const count = pipe_.put(bytes);
    bytes_left_ -= static_cast<std::int64_t>(count);
    return count;
  }
  bool over_limit() const { return bytes_left_ == 0; }

 private:
  BodyPipe& pipe_;
  std::int64_t bytes_left_;
};

}  // namespace fealty::http
