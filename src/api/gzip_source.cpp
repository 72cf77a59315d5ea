#include "api/gzip_source.h"

#include <zlib.h>

#include <array>
#include <new>
#include <stdexcept>

namespace fealty::api {

namespace {

// 15 bits of window, and 16 more for a gzip header instead of zlib's own.
constexpr int kGzipWindow = 15 + 16;
constexpr int kMemoryLevel = 8;  // zlib's default

}  // namespace

struct GzipSource::State {
  z_stream stream{};
  std::array<char, 64 * 1024> plain;
  bool in_ended = false, ended = false;
};

GzipSource::GzipSource(ByteSource& in) : in_(in), state_(std::make_unique<State>()) {
  if (deflateInit2(&state_->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}

GzipSource::~GzipSource() { deflateEnd(&state_->stream); }

std::size_t GzipSource::read(std::span<char> into) {
  State& s = *state_;
  auto const room = static_cast<uInt>(std::min<std::size_t>(into.size(), std::numeric_limits<uInt>::max()));
  s.stream.next_out = reinterpret_cast<Bytef*>(into.data());
  s.stream.avail_out = room;
  // zlib keeps what it was given until it has enough for a block, so one read here may take many there.
  while (!s.ended && s.stream.avail_out == room) {
    if (s.stream.avail_in == 0 && !s.in_ended) {
      std::size_t const n = in_.read(s.plain);
      s.in_ended = n == 0;
      s.stream.next_in = reinterpret_cast<Bytef*>(s.plain.data());
      s.stream.avail_in = static_cast<uInt>(n);
    }
    int const result = deflate(&s.stream, s.in_ended ? Z_FINISH : Z_NO_FLUSH);
    if (result == Z_STREAM_ERROR) throw std::logic_error("GzipSource: zlib was called wrongly");
    s.ended = result == Z_STREAM_END;
  }
  return room - s.stream.avail_out;
}

}  // namespace fealty::api
