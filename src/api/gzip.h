// Content-Encoding: gzip, unpacked while it streams in and packed while it streams out.
#pragma once
#include <zlib.h>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include "api/byte_source.h"
#include "base/limits.h"

namespace fealty::api {

// Several gzip members one after another are one stream, as gzip itself makes them. Throws FileProblem for a stream that is
// damaged or cut off, and as soon as it has unpacked to more than `bytes_max` or beyond the ratio that the limits allow.
class GunzipSource final : public ByteSource {
 public:
  // `bytes_max` bounds what comes out. A form has a little more around its file, so the file's own limit belongs to the
  // MeasuredSource behind the form.
  GunzipSource(ByteSource& in, Limits const& limits, std::int64_t bytes_max);
  GunzipSource(ByteSource& in, Limits const& limits) : GunzipSource(in, limits, limits.bulk_file_bytes_max) {}
  ~GunzipSource() override;
  GunzipSource(GunzipSource const&) = delete;
  GunzipSource& operator=(GunzipSource const&) = delete;
  std::size_t read(std::span<char> into) override;

 private:
  bool load();
  bool next_member();
  std::size_t inflate_some(std::span<char> into);

  ByteSource& in_;
  std::int64_t ratio_max_, free_bytes_, bytes_max_;
  std::int64_t bytes_in_ = 0, bytes_out_ = 0;
  z_stream stream_{};
  std::array<char, 16 * 1024> packed_;
  bool in_ended_ = false;
  bool member_ended_ = false;
  bool ended_ = false;
};

// Another body, packed. Equal bodies that come in equal pieces are packed into equal bytes. Takes 256 KiB.
class GzipBody final : public BodyStream {
 public:
  explicit GzipBody(std::shared_ptr<BodyStream> plain);
  ~GzipBody() override;
  GzipBody(GzipBody const&) = delete;
  GzipBody& operator=(GzipBody const&) = delete;
  Next next(std::string& out) override;
  bool is_live() const override { return plain_->is_live(); }

 private:
  std::shared_ptr<BodyStream> plain_;
  std::string piece_;
  z_stream stream_{};
};

}  // namespace fealty::api
