// Pictures that people send, made into avatars. Everything that was in the file but its pixels is left behind.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace fealty::members {

inline constexpr int kAvatarSide = 512;       // of what is kept
inline constexpr int kAvatarSideMax = 4'096;  // of what is taken
inline constexpr int kAvatarScansMax = 64;    // of a progressive JPEG: each goes through all pixels again
inline constexpr std::int64_t kAvatarBytesMax = 5ll * 1024 * 1024;

enum class ImageKind : std::uint8_t { png, jpeg, webp, gif };
std::string_view content_type_of(ImageKind kind);

// What the first bytes say, before anything is decoded: a header can promise a picture that would fill the memory.
struct ImageHeader {
  ImageKind kind = ImageKind::png;
  int width = 0, height = 0;
  int scans = 1;        // JPEG
  int orientation = 1;  // JPEG: how a camera was held (EXIF), 1 to 8
};
std::optional<ImageHeader> read_image_header(std::string_view bytes);

// A square WebP picture of the middle, or a sentence about what is wrong. Takes up to about 200 MB for a moment, whatever
// the file says: callers bound how many run at once.
std::expected<std::string, std::string> make_avatar(std::string_view bytes);

}  // namespace fealty::members
