#include "members/avatar_image.h"

namespace fealty::members {
namespace {

// Bytes that may not be there give 0, which no size is.
struct Bytes {
  std::string_view data;
  unsigned at(std::size_t i) const { return i < data.size() ? static_cast<unsigned char>(data[i]) : 0u; }
  unsigned big16(std::size_t i) const { return at(i) << 8 | at(i + 1); }
  unsigned little16(std::size_t i) const { return at(i) | at(i + 1) << 8; }
  unsigned little24(std::size_t i) const { return little16(i) | at(i + 2) << 16; }
  std::uint64_t big32(std::size_t i) const { return std::uint64_t{big16(i)} << 16 | big16(i + 2); }
  std::uint64_t little32(std::size_t i) const { return little16(i) | std::uint64_t{little16(i + 2)} << 16; }
  bool has(std::size_t i, std::string_view text) const { return i <= data.size() && data.substr(i).starts_with(text); }
};

// Sizes beyond any picture count as too large, not as negative.
int size_of(std::uint64_t n) { return static_cast<int>(std::min<std::uint64_t>(n, 1u << 30)); }

// TIFF tag 0x0112 of the first directory (Exif 2.32, 4.6.4).
int orientation_of(std::string_view exif) {
  Bytes const b{exif};
  bool const little = b.has(0, "II");
  if (!little && !b.has(0, "MM")) return 1;
  auto const read16 = [&](std::size_t i) { return little ? b.little16(i) : b.big16(i); };
  std::uint64_t const directory = little ? b.little32(4) : b.big32(4);
  if (directory > exif.size()) return 1;
  auto const start = static_cast<std::size_t>(directory);
  unsigned const entries = read16(start);
  for (unsigned e = 0; e < entries; ++e) {
    std::size_t const entry = start + 2 + 12 * std::size_t{e};
    if (entry + 12 > exif.size()) return 1;
    if (read16(entry) != 0x0112) continue;
    unsigned const value = read16(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// Segments up to the end: the size stands in the frame header, the number of scans in no header at all.
std::optional<ImageHeader> read_jpeg(Bytes const& b) {
  ImageHeader h{ImageKind::jpeg, 0, 0, 0, 1};
  std::size_t at = 2;
  while (at + 4 <= b.data.size()) {
    if (b.at(at) != 0xFF) {
      // Pixels of a scan: the next marker ends them.
      at = b.data.find('\xFF', at);
      if (at == std::string_view::npos) break;
    }
    unsigned const marker = b.at(at + 1);
    bool const is_alone = marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    if (is_alone) {
      at += 2;
      continue;
    }
    if (marker == 0xD9) break;
    unsigned const length = b.big16(at + 2);
    if (length < 2) return std::nullopt;
    bool const is_frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (is_frame) {
      h.height = std::max(h.height, size_of(b.big16(at + 5)));
      h.width = std::max(h.width, size_of(b.big16(at + 7)));
    }
    if (marker == 0xDA) ++h.scans;
    if (marker == 0xE1 && b.has(at + 4, std::string_view("Exif\0\0", 6)) && length > 8)
      h.orientation = orientation_of(b.data.substr(at + 10, length - 8));
    at += 2 + length;
  }
  return h.scans > 0 ? std::optional(h) : std::nullopt;
}

std::optional<ImageHeader> read_webp(Bytes const& b) {
  ImageHeader h{ImageKind::webp, 0, 0, 1, 1};
  if (b.has(12, "VP8X")) {
    h.width = size_of(b.little24(24) + 1);
    h.height = size_of(b.little24(27) + 1);
  } else if (b.has(12, "VP8L") && b.at(20) == 0x2F) {
    std::uint64_t const bits = b.little32(21);
    h.width = size_of((bits & 0x3FFF) + 1);
    h.height = size_of((bits >> 14 & 0x3FFF) + 1);
  } else if (b.has(12, "VP8 ") && b.at(23) == 0x9D && b.at(24) == 0x01 && b.at(25) == 0x2A) {
    h.width = size_of(b.little16(26) & 0x3FFF);
    h.height = size_of(b.little16(28) & 0x3FFF);
  }
  return h;
}

}  // namespace

std::string_view content_type_of(ImageKind kind) {
  switch (kind) {
    case ImageKind::png: return "image/png";
    case ImageKind::jpeg: return "image/jpeg";
    case ImageKind::webp: return "image/webp";
    case ImageKind::gif: return "image/gif";
  }
  throw std::logic_error("a kind of image without a type");
}

std::optional<ImageHeader> read_image_header(std::string_view bytes) {
  Bytes const b{bytes};
  std::optional<ImageHeader> h;
  if (b.has(0, "\x89PNG\r\n\x1A\n") && b.has(12, "IHDR"))
    h = ImageHeader{ImageKind::png, size_of(b.big32(16)), size_of(b.big32(20)), 1, 1};
  else if (b.has(0, "GIF87a") || b.has(0, "GIF89a"))
    h = ImageHeader{ImageKind::gif, size_of(b.little16(6)), size_of(b.little16(8)), 1, 1};
  else if (b.has(0, "\xFF\xD8\xFF"))
    h = read_jpeg(b);
  else if (b.has(0, "RIFF") && b.has(8, "WEBP"))
    h = read_webp(b);
  if (h && (h->width <= 0 || h->height <= 0)) return std::nullopt;
  return h;
}

}  // namespace fealty::members
