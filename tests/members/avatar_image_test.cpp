#include "members/avatar_image.h"

#include <sys/resource.h>

#include "members/pictures.h"

namespace fealty::members {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) out += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  return out;
}

// 1×1, from the format's own description.
std::string gif(int screen = 1, int frame = 1) {
  auto const little = [](int n) { return std::string{static_cast<char>(n & 0xFF), static_cast<char>(n >> 8)}; };
  return "GIF89a" + little(screen) + little(screen) + hex("800000ff00000000ff2c00000000") + little(frame) + little(frame) +
         hex("0002024401003b");
}

// The frame header of a JPEG and one scan without pixels.
std::string jpeg_head(int width, int height, std::string const& before = "", int scans = 1) {
  auto const big = [](int n) { return std::string{static_cast<char>(n >> 8), static_cast<char>(n & 0xFF)}; };
  std::string out = hex("ffd8") + before + hex("ffc0000b08") + big(height) + big(width) + hex("01011100");
  for (int i = 0; i < scans; ++i) out += hex("ffda0008010100003f00") + std::string(3, 'x');
  return out + hex("ffd9");
}

std::string orientation_segment(int value) {
  return hex("ffe10022") + "Exif" + std::string(2, '\0') + "MM" + hex("002a000000080001011200030000000100") + static_cast<char>(value) +
         hex("000000000000");
}

TEST(AvatarImage, HeadersAreReadWithoutDecoding) {
  struct Case {
    std::string bytes;
    ImageKind kind;
    int width, height;
  };
  Case const cases[] = {{test::png_head(60'000, 7), ImageKind::png, 60'000, 7},
                        {test::png_head(0xFFFFFFFF, 5), ImageKind::png, 1 << 30, 5},
                        {gif(300), ImageKind::gif, 300, 300},
                        {jpeg_head(640, 480), ImageKind::jpeg, 640, 480},
                        {jpeg_head(640, 480, hex("ffe0000400ff")), ImageKind::jpeg, 640, 480},
                        {"RIFF" + hex("00000000") + "WEBPVP8X" + hex("0a00000000000000ff3f00ff1f00"), ImageKind::webp, 16'384, 8'192},
                        {"RIFF" + hex("00000000") + "WEBPVP8L" + hex("0a0000002fffc12f00"), ImageKind::webp, 512, 192},
                        {"RIFF" + hex("00000000") + "WEBPVP8 " + hex("0a0000000000009d012a40018002"), ImageKind::webp, 320, 640}};
  for (auto const& c : cases) {
    auto const header = read_image_header(c.bytes);
    ASSERT_TRUE(header) << c.width;
    EXPECT_EQ(header->kind, c.kind) << c.width;
    EXPECT_EQ(header->width, c.width);
    EXPECT_EQ(header->height, c.height);
  }
  for (int value = 1; value <= 8; ++value) EXPECT_EQ(read_image_header(jpeg_head(9, 9, orientation_segment(value)))->orientation, value);
  EXPECT_EQ(read_image_header(jpeg_head(9, 9, orientation_segment(9)))->orientation, 1);
  EXPECT_EQ(read_image_header(jpeg_head(9, 9, "", 70))->scans, 70);
  for (auto const& nothing : {std::string(), std::string("x"), hex("ffd8ff"), test::png_head(0, 5), std::string("GIF89a"),
                              std::string("RIFF0000WEBP"), std::string("<svg/>"), std::string("%PDF-1.4")})
    EXPECT_FALSE(read_image_header(nothing));
}

TEST(AvatarImage, AnyBeginningOfAFileIsReadWithoutHarm) {
  for (auto const& whole : {test::png(3, 3), gif(), jpeg_head(9, 9, orientation_segment(6), 3)})
    for (std::size_t n = 0; n < whole.size(); ++n) {
      static_cast<void>(read_image_header(std::string(whole, 0, n)));
      static_cast<void>(make_avatar(std::string(whole, 0, n)));
    }
}

TEST(AvatarImage, BombsAreRefusedBeforeTheyTakeMemory) {
  struct Case {
    std::string bytes;
    char const* why;
  };
  Case const cases[] = {{test::png_head(4'097, 1), "larger than 4096"},
                        {test::png_head(1, 100'000), "larger than 4096"},
                        {gif(65'535, 65'535), "larger than 4096"},
                        {gif(1, 65'535), "damaged"},
                        {jpeg_head(65'500, 65'500), "larger than 4096"},
                        {jpeg_head(9, 9) + jpeg_head(65'500, 65'500), "damaged"},
                        {jpeg_head(4'000, 4'000, "", 1'000), "too intricate"},
                        {"RIFF" + hex("00000000") + "WEBPVP8X" + hex("0a00000000000000ff3f00ff1f00"), "larger than 4096"},
                        {test::png_head(4'096, 4'096) + test::png_chunk("IEND", ""), "damaged"}};
  for (auto const& c : cases) {
    auto const made = make_avatar(c.bytes);
    ASSERT_FALSE(made) << c.why;
    EXPECT_THAT(made.error(), HasSubstr(c.why));
  }
}

TEST(AvatarImage, TheLargestPictureTakesABoundedAmountOfMemory) {
  auto const bytes = test::png(4'096, 4'096);
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  ASSERT_TRUE(make_avatar(bytes));
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 220 * 1024) << "KiB";
}

TEST(AvatarImage, WhatStoodBesideThePixelsIsGone) {
  std::string const secret = "Taken at 1.2966N 103.7764E <script>";
  auto const made = make_avatar(test::png(64, 32, test::png_chunk("tEXt", "Comment" + std::string(1, '\0') + secret)) + secret);
  ASSERT_TRUE(made);
  EXPECT_THAT(*made, Not(HasSubstr("Taken at")));
  EXPECT_THAT(*made, Not(HasSubstr("script")));
  auto const header = read_image_header(*made);
  EXPECT_EQ(header->kind, ImageKind::webp);
  EXPECT_EQ(header->width, kAvatarSide);
  EXPECT_EQ(header->height, kAvatarSide);
}

TEST(AvatarImage, WhatItMakesItTakes) {
  for (auto const& bytes : {test::png(1, 1), test::png(300, 20), gif()}) {
    auto const once = make_avatar(bytes);
    ASSERT_TRUE(once);
    EXPECT_TRUE(make_avatar(*once));
  }
}

}  // namespace
}  // namespace fealty::members
