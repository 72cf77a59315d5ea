#include "api/download.h"

#include "api/gzip.h"

namespace fealty::api {
namespace {

using testing::HasSubstr;
using testing::Not;

// Pieces of a text; seeks when it is told to be able to.
class TextBody final : public BodyStream {
 public:
  TextBody(std::string text, bool seekable = true, bool known = true, std::size_t piece = 7)
      : text_(std::move(text)), seekable_(seekable), known_(known), piece_(piece) {}
  Next next(std::string& out) override {
    out += text_.substr(at_, piece_);
    made += std::min(piece_, text_.size() - at_);
    at_ = std::min(at_ + piece_, text_.size());
    return {at_ == text_.size() ? Then::end : Then::more};
  }
  std::optional<std::int64_t> length() const override {
    return known_ ? std::optional(static_cast<std::int64_t>(text_.size())) : std::nullopt;
  }
  bool seek(std::int64_t offset) override {
    if (seekable_) at_ = static_cast<std::size_t>(offset);
    return seekable_;
  }
  std::size_t made = 0;

 private:
  std::string text_;
  bool seekable_, known_;
  std::size_t piece_, at_ = 0;
};

std::string header(Response const& response, std::string_view name) {
  std::string found;
  for (auto const& h : response.headers)
    if (h.name == name) found += (found.empty() ? "" : " | ") + h.value;
  return found;
}
std::string body(Response const& response) {
  if (!response.stream) return response.body;
  std::string out;
  while (response.stream->next(out).then != BodyStream::Then::end) {}
  if (auto const length = response.stream->length()) EXPECT_EQ(static_cast<std::int64_t>(out.size()), *length);
  return out;
}
std::string unpack(std::string const& packed) {
  Limits limits;
  MemorySource memory(packed);
  GunzipSource source(memory, limits);
  std::string out(1 << 20, '\0');
  std::size_t size = 0;
  while (std::size_t const n = source.read(std::span(out).subspan(size))) size += n;
  out.resize(size);
  return out;
}

std::string const kText = "0123456789abcdefghijklmnopqrstuvwxyz";

Response ask(std::vector<Header> headers, bool packable = true, Method method = Method::get, bool seekable = true, bool known = true) {
  Request request;
  request.method = method;
  request.headers = std::move(headers);
  request.request_id = "r1";
  return download(request, std::make_shared<TextBody>(kText, seekable, known), {"a.csv", "text/csv; charset=utf-8", "tag", packable});
}

TEST(Download, GivesTheWholeWithItsNameAndTag) {
  auto const response = ask({});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/csv; charset=utf-8");
  EXPECT_EQ(header(response, "Content-Disposition"), "attachment; filename=\"a.csv\"");
  EXPECT_EQ(header(response, "ETag"), "\"tag\"");
  EXPECT_EQ(header(response, "Accept-Ranges"), "bytes");
  EXPECT_EQ(header(response, "Vary"), "Accept-Encoding");
  EXPECT_EQ(response.stream->length(), 36);
  EXPECT_EQ(body(response), kText);
  EXPECT_EQ(header(ask({}, false), "Vary"), "");
}

TEST(Download, GivesThePartThatARangeNames) {
  struct Case {
    char const* range;
    int status;
    char const* content_range;
    std::string body;
  };
  Case const cases[] = {
      {"bytes=0-0", 206, "bytes 0-0/36", "0"},
      {"bytes=5-9", 206, "bytes 5-9/36", "56789"},
      {"bytes=10-", 206, "bytes 10-35/36", "abcdefghijklmnopqrstuvwxyz"},
      {"bytes=-3", 206, "bytes 33-35/36", "xyz"},
      {"bytes=-100", 206, "bytes 0-35/36", kText},
      {"bytes=35-99999999999999999999999", 206, "bytes 35-35/36", "z"},
      {"Bytes = 5-9", 206, "bytes 5-9/36", "56789"},
      {"bytes=36-", 416, "bytes */36", ""},
      {"bytes=99999999999999999999-", 416, "bytes */36", ""},
      {"bytes=-0", 416, "bytes */36", ""},
      // Not understood, so the whole.
      {"bytes=0-1,4-5", 200, "", kText},
      {"bytes=9-5", 200, "", kText},
      {"bytes=-", 200, "", kText},
      {"bytes=a-b", 200, "", kText},
      {"bytes=1-x", 200, "", kText},
      {"bytes=+1-2", 200, "", kText},
      {"bytes=1", 200, "", kText},
      {"bytes", 200, "", kText},
      {"lines=1-2", 200, "", kText},
      {"", 200, "", kText},
  };
  for (bool const seekable : {true, false}) {
    for (auto const& c : cases) {
      auto const response = ask({{"range", c.range}}, true, Method::get, seekable);
      EXPECT_EQ(response.status, c.status) << c.range;
      EXPECT_EQ(header(response, "Content-Range"), c.content_range) << c.range;
      if (c.status == 416)
        EXPECT_THAT(response.body, HasSubstr("\"code\":\"range_not_satisfiable\""));
      else
        EXPECT_EQ(body(response), c.body) << c.range;
    }
  }
}

TEST(Download, SkipsToAPartWithoutMakingWhatIsBeforeIt) {
  auto const whole = std::make_shared<TextBody>(std::string(100'000, 'x'), true, true, 1'000);
  Request request;
  request.headers = {{"range", "bytes=50000-50999"}};
  EXPECT_EQ(body(download(request, whole, {"a.csv", "text/csv", "tag"})), std::string(1'000, 'x'));
  EXPECT_EQ(whole->made, 1'000u);
}

TEST(Download, HasNoPartsOfAnEmptyOrUnmeasuredBody) {
  EXPECT_EQ(ask({{"range", "bytes=0-1"}}, true, Method::get, true, false).status, 200);
  EXPECT_EQ(header(ask({}, true, Method::get, true, false), "Accept-Ranges"), "none");
  Request request;
  request.headers = {{"range", "bytes=0-"}};
  auto const empty = download(request, std::make_shared<TextBody>(""), {"a.csv", "text/csv", "tag"});
  EXPECT_EQ(empty.status, 416);
  EXPECT_EQ(header(empty, "Content-Range"), "bytes */0");
  EXPECT_EQ(ask({{"range", "bytes=0-1"}}, true, Method::head).status, 200) << "ranges are for GET alone";
}

TEST(Download, GivesTheWholeWhenIfRangeNamesOtherBytes) {
  EXPECT_EQ(ask({{"range", "bytes=1-2"}, {"if-range", "\"tag\""}}).status, 206);
  for (auto const* tag : {"\"other\"", "W/\"tag\"", "tag", "Wed, 21 Oct 2015 07:28:00 GMT", "\"tag-gzip\""}) {
    auto const response = ask({{"range", "bytes=1-2"}, {"if-range", tag}});
    EXPECT_EQ(response.status, 200) << tag;
    EXPECT_EQ(body(response), kText);
  }
}

TEST(Download, ObeysConditions) {
  EXPECT_EQ(ask({{"if-none-match", "\"tag\""}}).status, 304);
  EXPECT_EQ(ask({{"if-none-match", "\"a\", W/\"tag\""}}).status, 304);
  EXPECT_EQ(ask({{"if-none-match", "*"}}).status, 304);
  EXPECT_FALSE(ask({{"if-none-match", "\"tag\""}}).stream);
  EXPECT_EQ(ask({{"if-none-match", "\"other\""}}).status, 200);
  EXPECT_EQ(ask({{"if-none-match", "\"tag\""}, {"accept-encoding", "gzip"}}).status, 200) << "it has the other form";
  EXPECT_EQ(ask({{"if-match", "\"tag\""}}).status, 200);
  EXPECT_EQ(ask({{"if-match", "\"tag-gzip\""}}).status, 200);
  EXPECT_EQ(ask({{"if-match", "\"other\""}}).status, 412);
  EXPECT_EQ(ask({{"if-match", "W/\"tag\""}}).status, 412);
}

TEST(Download, PacksForThoseThatAskForIt) {
  auto const response = ask({{"accept-encoding", "gzip, deflate, br"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header(response, "Content-Encoding"), "gzip");
  EXPECT_EQ(header(response, "ETag"), "\"tag-gzip\"");
  EXPECT_EQ(response.stream->length(), std::nullopt);
  EXPECT_EQ(unpack(body(response)), kText);

  EXPECT_EQ(header(ask({{"accept-encoding", "gzip"}}, false), "Content-Encoding"), "");
  auto const part = ask({{"accept-encoding", "gzip"}, {"range", "bytes=1-2"}});
  EXPECT_EQ(part.status, 206) << "parts are of the plain form";
  EXPECT_EQ(header(part, "Content-Encoding"), "");
  EXPECT_EQ(header(part, "ETag"), "\"tag\"");
  EXPECT_EQ(header(ask({{"accept-encoding", "gzip"}, {"range", "bytes=1-2,5-6"}}), "Content-Encoding"), "gzip");
}

TEST(Download, ReadsWeightsOfEncodings) {
  struct {
    char const* value;
    bool gzip;
  } const cases[] = {{"gzip", true},
                     {"GZIP", true},
                     {"x-gzip", true},
                     {"deflate, gzip;q=0.5", true},
                     {"gzip;q=0", false},
                     {"gzip; q=0.000", false},
                     {"gzip;q=0.001", true},
                     {"*", true},
                     {"*;q=0", false},
                     {"gzip;q=0, *", false},
                     {"identity, gzip;q=0.5", false},
                     {"identity;q=0.5, gzip;q=0.5", true},
                     {"identity;q=0, gzip;q=0.1", true},
                     {"deflate, br", false},
                     {"identity", false},
                     {"gzip;q=2", false},
                     {"gzip;q=x", false},
                     {"gzip;level=1", false},
                     {"", false},
                     {",,;", false}};
  for (auto const& c : cases) {
    Request request;
    request.headers = {{"accept-encoding", c.value}};
    EXPECT_EQ(accepts_gzip(request), c.gzip) << c.value;
  }
  Request two;
  two.headers = {{"accept-encoding", "br"}, {"accept-encoding", "gzip"}};
  EXPECT_TRUE(accepts_gzip(two));
  EXPECT_FALSE(accepts_gzip(Request{}));
}

TEST(Download, NamesFilesSafely) {
  EXPECT_EQ(attachment("march 2026.csv"), "attachment; filename=\"march 2026.csv\"");
  EXPECT_EQ(attachment("März €.csv"), "attachment; filename=\"M_rz _.csv\"; filename*=UTF-8''M%C3%A4rz%20%E2%82%AC.csv");
  EXPECT_EQ(attachment("../../etc/passwd"), "attachment; filename=\"_.._etc_passwd\"");
  EXPECT_EQ(attachment("a\"b\\c\r\nSet-Cookie: x=1.csv"), "attachment; filename=\"a_b_c__Set-Cookie_ x=1.csv\"");
  EXPECT_EQ(attachment("100%41.csv"), "attachment; filename=\"100_41.csv\"; filename*=UTF-8''100%2541.csv");
  EXPECT_EQ(attachment("bill\u202efdp.csv"), "attachment; filename=\"bill_fdp.csv\"") << "an ending that is turned around";
  EXPECT_EQ(attachment("😀"), "attachment; filename=\"_\"; filename*=UTF-8''%F0%9F%98%80");
  for (auto const* none : {"", "...", " . ", "\xff\xfe"}) EXPECT_EQ(attachment(none), "attachment; filename=\"download\"");
  auto const longest = attachment(std::string(400, 'a') + ".csv");
  EXPECT_EQ(longest, "attachment; filename=\"" + std::string(146, 'a') + ".csv\"");
  EXPECT_EQ(attachment(std::string(400, 'a')), "attachment; filename=\"" + std::string(150, 'a') + "\"");
  EXPECT_THAT(attachment("a\x01\x7f.csv"), Not(HasSubstr("\x01")));
}

TEST(GzipBody, PacksLargeBodiesIntoTheSameBytesEachTime) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "member" + std::to_string(i * 7919 % 100'003) + "@example.org,add,1.50\r\n";
  std::string once, again;
  for (std::string* out : {&once, &again}) {
    GzipBody packed(std::make_shared<TextBody>(text, true, true, 65'536));
    std::size_t largest = 0;
    BodyStream::Next next;
    do {
      std::string piece;
      next = packed.next(piece);
      largest = std::max(largest, piece.size());
      *out += piece;
    } while (next.then != BodyStream::Then::end);
    EXPECT_LT(largest, 2 * BodyStream::kPieceBytes);
  }
  EXPECT_EQ(once, again);
  EXPECT_LT(once.size(), text.size() / 3);
  Limits limits;
  MemorySource memory(once);
  GunzipSource source(memory, limits);
  std::string out(text.size() + 1, '\0');
  std::size_t size = 0;
  while (std::size_t const n = source.read(std::span(out).subspan(size))) size += n;
  EXPECT_EQ(std::string_view(out).substr(0, size), text);
}

}  // namespace
}  // namespace fealty::api
