#include "members/avatar_image.h"

#include <gd.h>

#include <memory>
#include <mutex>

namespace fealty::members {
namespace {

constexpr int kQuality = 82;  // of WebP, 0 to 100: no difference is seen at this size

struct Destroy {
  void operator()(gdImage* image) const { gdImageDestroy(image); }
};
using Image = std::unique_ptr<gdImage, Destroy>;

// The library writes what it dislikes of a picture to standard error otherwise.
void be_silent() {
  static std::once_flag once;
  std::call_once(once, [] { gdSetErrorMethod([](int, char const*, va_list) {}); });
}

Image decode(ImageKind kind, std::string_view bytes) {
  auto* const data = const_cast<char*>(bytes.data());  // it is only read
  int const size = static_cast<int>(bytes.size());
  switch (kind) {
    case ImageKind::png: return Image(gdImageCreateFromPngPtr(size, data));
    case ImageKind::jpeg: return Image(gdImageCreateFromJpegPtrEx(size, data, 0));
    case ImageKind::webp: return Image(gdImageCreateFromWebpPtr(size, data));
    case ImageKind::gif: return Image(gdImageCreateFromGifPtr(size, data));
  }
  throw std::logic_error("a kind of image that nothing decodes");
}

Image blank() {
  Image image(gdImageCreateTrueColor(kAvatarSide, kAvatarSide));
  if (!image) throw std::bad_alloc();
  gdImageAlphaBlending(image.get(), 0);
  gdImageSaveAlpha(image.get(), 1);
  gdImageFilledRectangle(image.get(), 0, 0, kAvatarSide - 1, kAvatarSide - 1, gdTrueColorAlpha(0, 0, 0, gdAlphaTransparent));
  return image;
}

Image middle_of(gdImage* from) {
  Image out = blank();
  int const width = gdImageSX(from), height = gdImageSY(from), side = std::min(width, height);
  gdImageCopyResampled(out.get(), from, 0, 0, (width - side) / 2, (height - side) / 2, kAvatarSide, kAvatarSide, side, side);
  return out;
}

// As the picture was meant to be looked at: what a camera notes beside it does not survive.
Image upright(Image image, int orientation) {
  if (orientation == 1) return image;
  Image out = blank();
  constexpr int kLast = kAvatarSide - 1;
  // Where the pixel that belongs to (x, y) stands. 5 to 8 exchange the axes.
  bool const swap = orientation >= 5;
  bool const from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  bool const from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (int y = 0; y < kAvatarSide; ++y)
    for (int x = 0; x < kAvatarSide; ++x) {
      int const a = swap ? y : x, b = swap ? x : y;
      gdImageSetPixel(out.get(), x, y, gdImageGetTrueColorPixel(image.get(), from_right ? kLast - a : a, from_below ? kLast - b : b));
    }
  return out;
}

}  // namespace

std::expected<std::string, std::string> make_avatar(std::string_view bytes) {
  auto const header = read_image_header(bytes);
  if (!header) return std::unexpected("This is no PNG, JPEG, WebP or GIF picture.");
  if (header->width > kAvatarSideMax || header->height > kAvatarSideMax)
    return std::unexpected("The picture is larger than " + std::to_string(kAvatarSideMax) + " pixels a side.");
  if (header->scans > kAvatarScansMax) return std::unexpected("The picture is too intricate; save it as a plain JPEG or PNG.");
  be_silent();
  auto const picture = decode(header->kind, bytes);
  if (!picture) return std::unexpected("The picture is damaged, or of a kind that is not read here (such as an animated WebP).");
  Image const square = upright(middle_of(picture.get()), header->orientation);
  int size = 0;
  std::unique_ptr<void, void (*)(void*)> const out(gdImageWebpPtrEx(square.get(), &size, kQuality), gdFree);
  if (!out || size <= 0) throw std::runtime_error("a picture could not be written as WebP");
  return std::string(static_cast<char const*>(out.get()), static_cast<std::size_t>(size));
}

}  // namespace fealty::members
