// Bytes that are pulled piece by piece: what uploads, stored files and decoders have in common. Memory stays constant
// however long the data is.
#pragma once
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include "api/file_problem.h"
#include "api/http_types.h"
#include "base/hash.h"

namespace fealty::api {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills the front of `into`, which is not empty, with at least one byte and gives the number, or 0 at the end; after the
  // end it gives 0 again. Never waits for more than it needs to give one byte.
  virtual std::size_t read(std::span<char> into) = 0;
};

// Text in memory, which must outlive the source. `piece_max` cuts the reads short: tests split the input at every byte.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view data, std::size_t piece_max = std::numeric_limits<std::size_t>::max())
      : data_(data), piece_max_(piece_max) {}
  std::size_t read(std::span<char> into) override {
    std::size_t const n = std::min({into.size(), data_.size(), piece_max_});
    std::memcpy(into.data(), data_.data(), n);
    data_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view data_;
  std::size_t piece_max_;
};

// A file from `offset` on. The descriptor stays the caller's, is not moved, and may be shared by several sources.
// Read failures are std::system_error.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(int descriptor, std::int64_t offset = 0) : descriptor_(descriptor), offset_(offset) {}
  std::size_t read(std::span<char> into) override {
    for (;;) {
      ssize_t const n = ::pread(descriptor_, into.data(), into.size(), offset_);
      if (n >= 0) {
        offset_ += n;
        return static_cast<std::size_t>(n);
      }
      if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "reading a stored file");
    }
  }

 private:
  int descriptor_;
  std::int64_t offset_;
};

// The body of a request whose route streams it.
class RequestBody final : public ByteSource {
 public:
  explicit RequestBody(BodySource& body) : body_(body) {}
  std::size_t read(std::span<char> into) override {
    if (ended_) return 0;
    std::size_t const n = body_.read(into);
    ended_ = n == 0;
    return n;
  }

 private:
  BodySource& body_;
  bool ended_ = false;
};

// Counts and hashes what passes, hands it to `sink`, and refuses the first byte beyond `bytes_max`: an upload is stored,
// hashed and checked in one pass. What the sink throws passes through to the reader.
class MeasuredSource final : public ByteSource {
 public:
  using Sink = std::function<void(std::string_view)>;
  MeasuredSource(ByteSource& in, std::int64_t bytes_max, Sink sink = {}) : in_(in), bytes_max_(bytes_max), sink_(std::move(sink)) {}

  std::size_t read(std::span<char> into) override {
    std::int64_t const room = bytes_max_ - bytes_;
    if (room <= 0) {
      char more;
      if (in_.read({&more, 1}) > 0) throw problems::file_too_large(bytes_max_);
      return 0;
    }
    if (static_cast<std::uint64_t>(room) < into.size()) into = into.first(static_cast<std::size_t>(room));
    std::size_t const n = in_.read(into);
    if (n > 0) {
      std::string_view const piece(into.data(), n);
      bytes_ += static_cast<std::int64_t>(n);
      hash_.update(piece);
      if (sink_) sink_(piece);
    }
    return n;
  }

  std::int64_t bytes() const { return bytes_; }
  // 32 raw bytes over everything read so far; call once, after the end.
  std::string sha256() { return hash_.finish(); }

 private:
  ByteSource& in_;
  std::int64_t bytes_max_;
  Sink sink_;
  std::int64_t bytes_ = 0;
  Sha256 hash_;
};

}  // namespace fealty::api
