// The bounded pipe between the I/O thread that receives a body and the handler that reads it. Its size is what one upload
// may hold in memory; a full pipe makes the session stop reading the socket, and TCP then slows the client down.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include "api/http_types.h"

namespace fealty::http {

inline constexpr std::size_t kBodyPipeBytes = 256 * 1024;

class BodyPipe final : public api::BodySource {
 public:
  // `on_reader` is called from the handler's thread, outside the pipe's lock, when the first read begins and when space
  // comes free after put() could not take everything.
  BodyPipe(std::optional<std::int64_t> declared_length, std::function<void()> on_reader);

  // Handler's side.
  std::size_t read(std::span<char> into) override;
  std::optional<std::int64_t> declared_length() const override { return declared_length_; }

  // I/O thread's side. Takes what fits and says how much that was.
  std::size_t put(std::string_view bytes);
  // True once put() would take a worthwhile piece; until then on_reader will be called.
  bool has_space();
  bool reading_began() const;
  void finish();
  // The next read throws; what was not read yet is dropped. The first call counts; after finish() only shutting_down does.
  void abort(api::BodyAborted::Why why, char const* what);

 private:
  std::optional<std::int64_t> const declared_length_;
  std::function<void()> const on_reader_;
  mutable std::mutex mutex_;
  std::condition_variable readable_;
  std::unique_ptr<char[]> ring_;  // made with the first byte
  std::size_t begin_ = 0, size_ = 0;
  bool began_ = false, space_wanted_ = false, finished_ = false;
  std::optional<api::BodyAborted> aborted_;
};

}  // namespace fealty::http
