#include "api/gzip_source.h"

#include <random>

#include "api/gzip.h"

namespace fealty::api {
namespace {

std::string read_all(ByteSource& source, std::size_t piece) {
  std::string out, into(piece, '\0');
  while (std::size_t const n = source.read(into)) out.append(into.data(), n);
  EXPECT_EQ(source.read(into), 0u) << "the end is given once more";
  return out;
}

class GzipSourceRoundTrip : public ::testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};

TEST_P(GzipSourceRoundTrip, GivesWhatWasPacked) {
  auto const [in_piece, out_piece] = GetParam();
  std::mt19937 random(7);
  std::string noise(150'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  std::string table;
  for (int i = 0; i < 5'000; ++i) table += "member" + std::to_string(i) + "@example.org,add,5\r\n";
  for (std::string const& text : {std::string(), std::string("a"), table, noise}) {
    MemorySource memory(text, in_piece);
    GzipSource packed(memory);
    std::string const bytes = read_all(packed, out_piece);
    EXPECT_EQ(bytes.substr(0, 2), "\x1f\x8b");
    MemorySource again(bytes);
    GunzipSource unpacked(again, Limits());
    EXPECT_EQ(read_all(unpacked, 4096), text);
  }
}

INSTANTIATE_TEST_SUITE_P(Pieces, GzipSourceRoundTrip,
                         ::testing::Values(std::pair(1 << 20, 1 << 16), std::pair(3, 1), std::pair(65'536, 7), std::pair(1, 1 << 20)));

TEST(GzipSource, PacksRepeatedRowsToLittle) {
  std::string const text(1'000'000, 'x');
  MemorySource memory(text);
  GzipSource packed(memory);
  EXPECT_LT(read_all(packed, 4096).size(), 2'000u);
}

TEST(GzipSource, LetsFailuresOfItsInputThrough) {
  struct Broken final : ByteSource {
    std::size_t read(std::span<char>) override { throw std::runtime_error("broken"); }
  } broken;
  GzipSource packed(broken);
  std::array<char, 16> into;
  EXPECT_THROW(packed.read(into), std::runtime_error);
}

}  // namespace
}  // namespace fealty::api
