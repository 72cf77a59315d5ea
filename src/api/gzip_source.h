// Packs bytes as gzip while they are read: the sender's side of Content-Encoding: gzip.
#pragma once
#include <memory>

#include "api/byte_source.h"

namespace fealty::api {

// Gives one gzip member that holds all of `in`. Memory is constant: about 256 KiB of zlib's and 64 KiB here. What `in` throws
// passes through. Not for several threads.
class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(ByteSource& in);
  ~GzipSource() override;
  GzipSource(GzipSource const&) = delete;
  GzipSource& operator=(GzipSource const&) = delete;
  std::size_t read(std::span<char> into) override;

 private:
  struct State;
  ByteSource& in_;
  std::unique_ptr<State> state_;
};

}  // namespace fealty::api
