#include "api/gzip.h"

#include <random>

namespace fealty::api {
namespace {

std::string gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Unpacked {
  std::string text, problem;
  std::optional<std::int64_t> limit;
};

Unpacked unpack(std::string_view packed, Limits const& limits = {}, std::size_t in_piece = 1 << 20, std::size_t out_piece = 4096,
                std::optional<std::int64_t> bytes_max = {}) {
  Unpacked result;
  MemorySource memory(packed, in_piece);
  GunzipSource source(memory, limits, bytes_max.value_or(limits.bulk_file_bytes_max));
  std::string into(out_piece, '\0');
  try {
    while (std::size_t const n = source.read(into)) result.text.append(into.data(), n);
    EXPECT_EQ(source.read(into), 0u) << "the end is given once more";
  } catch (FileProblem const& problem) {
    result.problem = problem.code;
    result.limit = problem.limit;
  }
  return result;
}

std::string random_text(std::size_t size) {
  std::mt19937 random(9);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

TEST(Gzip, UnpacksInAnyPieces) {
  std::string const text = random_text(500);
  std::string const packed = gzip(text);
  for (std::size_t in = 1; in <= packed.size(); in += 7)
    for (std::size_t out : {1, 2, 63, 499, 500, 501}) EXPECT_EQ(unpack(packed, {}, in, out).text, text);
  std::string const large = random_text(3'000'000);
  EXPECT_TRUE(unpack(gzip(large)).text == large);
}

TEST(Gzip, TakesSeveralMembersAndPadding) {
  std::string const packed = gzip("first,") + gzip("") + gzip("second");
  for (std::size_t in = 1; in <= packed.size(); ++in) {
    EXPECT_EQ(unpack(packed, {}, in).text, "first,second");
    Unpacked const padded = unpack(packed + std::string(100, '\0'), {}, in);
    EXPECT_EQ(padded.text, "first,second");
    EXPECT_EQ(padded.problem, "");
  }
  EXPECT_EQ(unpack(gzip("")).problem, "");
}

TEST(Gzip, RefusesWhatIsCutOff) {
  std::string const packed = gzip(random_text(300));
  for (std::size_t length = 0; length < packed.size(); ++length)
    EXPECT_EQ(unpack(packed.substr(0, length)).problem, "invalid_gzip") << length;
  std::string const two = packed + gzip("more");
  for (std::size_t length = packed.size() + 1; length < two.size(); ++length)
    EXPECT_EQ(unpack(two.substr(0, length)).problem, "invalid_gzip");
}

TEST(Gzip, RefusesWhatIsDamaged) {
  std::string const text = random_text(300), packed = gzip(text);
  EXPECT_EQ(unpack("Email,Coins\n").problem, "invalid_gzip");
  EXPECT_EQ(unpack(packed + "garbage").problem, "invalid_gzip");
  EXPECT_EQ(unpack(packed + std::string(3, '\0') + packed).problem, "invalid_gzip");
  for (std::size_t at = packed.size() - 8; at < packed.size(); ++at) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_EQ(unpack(damaged).problem, "invalid_gzip") << "checksum and length, byte " << at;
  }
}

TEST(Gzip, StopsABombEarly) {
  Limits limits;
  limits.bulk_gzip_ratio_max = 200;
  limits.bulk_gzip_free_bytes = 1024 * 1024;
  std::string const bomb = gzip(std::string(64 * 1024 * 1024, 'x'));
  Unpacked const result = unpack(bomb, limits);
  EXPECT_EQ(result.problem, "compression_ratio");
  EXPECT_EQ(result.limit, 200);
  EXPECT_LT(result.text.size(), 8u * 1024 * 1024);
  // What is small may be as dense as it likes.
  EXPECT_EQ(unpack(gzip(std::string(1024 * 1024, 'x')), limits).problem, "");
  limits.bulk_gzip_ratio_max = 2000;
  EXPECT_EQ(unpack(bomb, limits).problem, "");
}

TEST(Gzip, RefusesTheFirstByteBeyondTheLimit) {
  std::string const packed = gzip("123456789");
  for (std::size_t in = 1; in <= packed.size(); ++in) {
    EXPECT_EQ(unpack(packed, {}, in, 4, 9).problem, "");
    Unpacked const result = unpack(packed, {}, in, 4, 8);
    EXPECT_EQ(result.problem, "file_too_large");
    EXPECT_EQ(result.limit, 8);
    EXPECT_EQ(result.text, "12345678");
  }
}

}  // namespace
}  // namespace fealty::api
