#include "api/multipart.h"

#include <random>

namespace fealty::api {
namespace {

struct Got {
  std::string name, body, content_type;
  std::optional<std::string> filename;
  bool operator==(Got const&) const = default;
};

struct Form {
  std::vector<Got> parts;
  std::string problem, message;
  bool operator==(Form const&) const = default;
};

constexpr std::size_t kWhole = 1 << 20;

MultipartLimits limits_of_form() { return MultipartLimits(Limits()); }

Form read_form(std::string_view bytes, std::string_view boundary, std::size_t in_piece = kWhole, std::size_t out_piece = 4096,
               MultipartLimits limits = limits_of_form()) {
  Form form;
  MemorySource memory(bytes, in_piece);
  std::string into(out_piece, '\0');
  try {
    MultipartReader reader(memory, boundary, limits);
    while (auto part = reader.next_part()) {
      form.parts.push_back({part->name, "", part->content_type, part->filename});
      while (std::size_t const n = part->body.read(into)) form.parts.back().body.append(into.data(), n);
      EXPECT_EQ(part->body.read(into), 0u) << "the end is given once more";
    }
    EXPECT_FALSE(reader.next_part().has_value());
  } catch (FileProblem const& problem) {
    form.problem = problem.code;
    form.message = problem.message;
  }
  return form;
}

std::string const kForm =
    "--XyZ\r\nContent-Disposition: form-data; name=\"log_name\"\r\n\r\nmarch top-up\r\n"
    "--XyZ\r\nContent-Disposition: form-data; name=\"data\"; filename=\"march.csv\"\r\nContent-Type: text/csv\r\n\r\n"
    "Email,Coins\r\n\r\n--X,\"\r\n--Xy\"\r\n-\r\n\r\n"
    "--XyZ\r\ncontent-disposition:form-data;name=empty\r\n\r\n\r\n"
    "--XyZ--\r\n";
std::vector<Got> const kParts = {{"log_name", "march top-up", "", {}},
                                 {"data", "Email,Coins\r\n\r\n--X,\"\r\n--Xy\"\r\n-\r\n", "text/csv", "march.csv"},
                                 {"empty", "", "", {}}};

TEST(Multipart, ReadsAFormInAnyPieces) {
  for (std::size_t in = 1; in <= kForm.size(); ++in)
    for (std::size_t out : {std::size_t{1}, std::size_t{5}, std::size_t{4096}}) {
      Form const form = read_form(kForm, "XyZ", in, out);
      ASSERT_EQ(form.problem, "");
      ASSERT_EQ(form.parts, kParts) << "in pieces of " << in;
    }
}

TEST(Multipart, SkipsWhatStandsOutsideOfTheParts) {
  for (std::string const& before : {"", "\r\n", "This is a form.\r\n", "--X\r\nno boundary\r\n"})
    for (std::string const& after : {"", "\r\n", "\r\nThe end.\r\n--XyZ\r\nnot a part"}) {
      std::string const text = before + kForm.substr(0, kForm.size() - 2) + after;
      for (std::size_t in : {std::size_t{1}, std::size_t{7}, kWhole}) EXPECT_EQ(read_form(text, "XyZ", in).parts, kParts);
    }
  EXPECT_EQ(read_form("--b--", "b").parts.size(), 0u);
  EXPECT_EQ(read_form("--b--", "b").problem, "");
}

TEST(Multipart, TakesOnlyWholeBoundaries) {
  std::string const text =
      "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\none\r\n--bc\r\n--b-\r\n--b x\r\n\r\r\n--b \t\r\nContent-Disposition: "
      "form-data; "
      "name=\"y\"\r\n\r\n\r\n\r\n--b--";
  for (std::size_t in = 1; in <= text.size(); ++in) {
    Form const form = read_form(text, "b", in);
    EXPECT_EQ(form.problem, "");
    ASSERT_EQ(form.parts.size(), 2u);
    EXPECT_EQ(form.parts[0].body, "one\r\n--bc\r\n--b-\r\n--b x\r\n\r");
    EXPECT_EQ(form.parts[1].body, "\r\n");
  }
}

TEST(Multipart, SkipsAPartThatIsNotRead) {
  MemorySource memory(kForm, 3);
  MultipartReader reader(memory, "XyZ", limits_of_form());
  ASSERT_EQ(reader.next_part()->name, "log_name");
  auto part = reader.next_part();
  ASSERT_TRUE(part);
  char c;
  part->body.read({&c, 1});
  EXPECT_EQ(reader.next_part()->name, "empty");
  EXPECT_FALSE(reader.next_part());
}

TEST(Multipart, RefusesAFormThatIsCutOff) {
  std::size_t const end = kForm.rfind("--\r\n") + 2;
  for (std::size_t length = 0; length < end; ++length) {
    Form const form = read_form(std::string_view(kForm).substr(0, length), "XyZ", 5);
    EXPECT_EQ(form.problem, "invalid_form") << length;
    EXPECT_THAT(form.message, testing::HasSubstr("Upload it again"));
  }
  EXPECT_EQ(read_form(std::string_view(kForm).substr(0, end), "XyZ").problem, "");
}

TEST(Multipart, ReadsNamesAndFileNames) {
  struct Case {
    char const* disposition;
    std::string name;
    std::optional<std::string> filename;
  };
  Case const cases[] = {
      {"form-data; name=\"a b\"", "a b", {}},
      {"FORM-DATA; NAME=a; FileName=x.csv", "a", "x.csv"},
      {"form-data; name=\"a\"; filename=\"\"", "a", ""},
      {"form-data; name=\"a;b=c\"; filename=\"x;y.csv\"", "a;b=c", "x;y.csv"},
      {"form-data; name=\"say \\\"x\\\"\"", "say \"x\"", {}},
      {"form-data; name=\"a\"; filename=\"C:\\data\\x.csv\"", "a", "x.csv"},
      {"form-data; name=\"a\"; filename=\"../../etc/x.csv\"", "a", "x.csv"},
      {"form-data; filename*=UTF-8''%e2%82%ac.csv; name=\"a\"", "a", {}},
      {"form-data; filename=\"plain.csv\"; filename*=UTF-8''other.csv; name=\"a\"", "a", "plain.csv"},
      {"form-data; name=\"a\"; filename=\"J\xF6rg\x07.csv\"", "a", "J?rg?.csv"},
      {"form-data; name=\"größe\"; filename=\"größe.csv\"", "größe", "größe.csv"},
      {"form-data;\r\n name=\"a\";\r\n\tfilename=\"b\"", "a", "b"},
      {"form-data; name=\"\"", "", {}},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.disposition);
    Form const form = read_form("--b\r\nX-Other: 1\r\nContent-Disposition: " + std::string(c.disposition) +
                                    "\r\nContent-Transfer-Encoding: Binary\r\n\r\nv\r\n--b--",
                                "b");
    EXPECT_EQ(form.problem, "");
    ASSERT_EQ(form.parts.size(), 1u);
    EXPECT_EQ(form.parts[0].name, c.name);
    EXPECT_EQ(form.parts[0].filename, c.filename);
    EXPECT_EQ(form.parts[0].body, "v");
  }
  std::string longest;
  for (int i = 0; i < 200; ++i) longest += "é";
  Form const form = read_form("--b\r\nContent-Disposition: form-data; name=a; filename=" + longest + "\r\n\r\nv\r\n--b--", "b");
  EXPECT_EQ(form.parts.at(0).filename, longest.substr(0, 254));
}

TEST(Multipart, RefusesWhatItCannotRead) {
  auto const part = [](std::string const& header) { return "--b\r\n" + header + "\r\n\r\nv\r\n--b--"; };
  std::string const good = "Content-Disposition: form-data; name=\"a\"";
  std::string const cases[] = {
      part(""),
      "--b\r\n\r\nv\r\n--b--",
      part("Content-Type: text/plain"),
      part("Content-Disposition: form-data"),
      part("Content-Disposition: form-data; filename=\"x\""),
      part("Content-Disposition: attachment; name=\"a\""),
      part("Content-Disposition: form-data; name=\"a"),
      part("Content-Disposition: form-data; name=\"\xFF\""),
      part(good + "\r\n" + good),
      part(good + "\r\nno colon"),
      part(good + "\r\nContent-Transfer-Encoding: base64"),
      part(good + "\r\nX-Long: " + std::string(9000, 'x')),
      "--b\r\nX-Endless: " + std::string(1 << 20, 'x'),
      std::string(1 << 17, 'x') + part(good),
      part(good) + std::string(1 << 17, 'x'),
      "--c\r\n" + good + "\r\n\r\nv\r\n--c--",
      "Email,Coins\r\n",
  };
  for (std::string const& text : cases)
    for (std::size_t const in : {std::size_t{1}, kWhole})
      EXPECT_EQ(read_form(text, "b", in).problem, "invalid_form") << text.substr(0, 200);
  EXPECT_EQ(read_form(part(good), "b").problem, "");
}

TEST(Multipart, BoundsPartsAndBytes) {
  auto const form_of = [](int parts) {
    std::string text;
    for (int i = 0; i < parts; ++i) text += "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n";
    return text + "--b--";
  };
  EXPECT_EQ(read_form(form_of(64), "b").problem, "");
  Form const form = read_form(form_of(65), "b");
  EXPECT_EQ(form.problem, "invalid_form");
  EXPECT_THAT(form.message, testing::HasSubstr("64 parts"));
  MultipartLimits limits = limits_of_form();
  limits.bytes_max = static_cast<std::int64_t>(kForm.size());
  EXPECT_EQ(read_form(kForm, "XyZ", 10, 10, limits).problem, "");
  --limits.bytes_max;
  EXPECT_EQ(read_form(kForm, "XyZ", 10, 10, limits).problem, "file_too_large");
}

TEST(Multipart, ReadsAFieldUpToItsLimit) {
  auto const field = [](std::string const& value, std::size_t bytes_max) {
    std::string const text = "--b\r\nContent-Disposition: form-data; name=\"log_name\"\r\n\r\n" + value + "\r\n--b--";
    MemorySource memory(text, 100);
    MultipartReader reader(memory, "b", limits_of_form());
    auto part = reader.next_part();
    return read_field(*part, bytes_max);
  };
  EXPECT_EQ(field("märz", 5), "märz");
  for (std::string const& bad : {std::string("märz!"), std::string("m\xE4rz")}) {
    try {
      field(bad, 5);
      ADD_FAILURE() << bad;
    } catch (FileProblem const& problem) {
      EXPECT_EQ(problem.code, "invalid_form_field");
      EXPECT_EQ(problem.field, "log_name");
    }
  }
  EXPECT_EQ(field(std::string(64 * 1024, 'x'), 64 * 1024).size(), 64u * 1024);
}

TEST(Multipart, PassesALargeFileOnUnchanged) {
  // Of little but line ends and hyphens, so that half boundaries are everywhere.
  std::mt19937 random(17);
  std::string body;
  std::string const boundary = "--------------------------0123456789";
  while (body.size() < 3'000'000) {
    body += "\r\n--";
    body += std::string_view(boundary).substr(0, random() % boundary.size());
    body += std::string(random() % 40, 'x');
  }
  std::string const text =
      "--" + boundary + "\r\nContent-Disposition: form-data; name=\"data\"; filename=\"x\"\r\n\r\n" + body + "\r\n--" + boundary + "--\r\n";
  for (std::size_t in : {std::size_t{1}, std::size_t{1460}, kWhole})
    for (std::size_t out : {std::size_t{1000}, std::size_t{128 * 1024}}) {
      Form const form = read_form(text, boundary, in, out);
      ASSERT_EQ(form.problem, "");
      ASSERT_EQ(form.parts.size(), 1u);
      EXPECT_TRUE(form.parts[0].body == body);
    }
}

TEST(Multipart, FindsTheBoundaryInTheContentType) {
  struct Case {
    std::string content_type;
    std::optional<std::string> boundary;
  };
  Case const cases[] = {
      {"multipart/form-data; boundary=abc", "abc"},
      {"Multipart/Form-Data;Boundary=\"a b:c\"", "a b:c"},
      {"multipart/form-data; charset=utf-8; boundary=----WebKitFormBoundary7MA4YWxk", "----WebKitFormBoundary7MA4YWxk"},
      {"multipart/form-data; boundary=abc; charset=utf-8", "abc"},
      {"multipart/form-data; boundary=a=b'(+)_/:?", "a=b'(+)_/:?"},
      {"multipart/form-data; boundary=\"" + std::string(70, 'x') + "\"", std::string(70, 'x')},
      {"multipart/form-data; boundary=" + std::string(71, 'x'), {}},
      {"multipart/form-data; boundary=\"\"", {}},
      {"multipart/form-data; boundary=", {}},
      {"multipart/form-data; boundary=\"abc", {}},
      {"multipart/form-data; boundary=\"abc \"", {}},
      {"multipart/form-data; boundary=\"a\tc\"", {}},
      {"multipart/form-data", {}},
      {"multipart/mixed; boundary=abc", {}},
      {"text/csv", {}},
      {"", {}},
  };
  for (Case const& c : cases) EXPECT_EQ(boundary_of(c.content_type), c.boundary) << c.content_type;
}

}  // namespace
}  // namespace fealty::api
