#include "mail/message.h"

#include <filesystem>
#include <fstream>

#include "support/database.h"

namespace fealty::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr TimeMs kNow = 1'775'552'400'000;  // 2026-04-07T09:00:00Z

TEST(Templates, ValuesStandOnOneLineWhateverSomebodyTyped) {
  auto const text = render("Subject: Hello {name}\n\nDear {name},\r\n{{code} {link}\n",
                           {{"name", "Mia\r\nBcc: all@example.org\r\n\r\nX"}, {"link", "{name}"}});
  EXPECT_EQ(text.subject, "Hello Mia  Bcc: all@example.org    X");
  EXPECT_EQ(text.body, "Dear Mia  Bcc: all@example.org    X,\r\n{code} {name}\n") << "a value is no template";
}

TEST(Templates, SayWhatIsWrongWithThem) {
  for (auto const* text : {"", "Hello", "Hello\n\nText\n", "Subject:\n\nText\n", "Subject: x\n", "Subject: x", "Subject: x\n\n{nothing}\n",
                           "Subject: {nothing}\n\nText\n", "Subject: x\n\n{open\n"})
    EXPECT_THROW(render(text, {{"name", "Mia"}}), TemplateError) << text;
}

TEST(Templates, EveryLetterIsThereInBothLanguagesAndFillsItsPlaceholders) {
  Values const values{{"community", "Club"},
                      {"username", "mia"},
                      {"name", "Mia"},
                      {"code", "123456"},
                      {"recipient", "m@example.org"},
                      {"public_url", "https://club.example.org"},
                      {"link", "https://club.example.org/x"}};
  std::map<std::string, std::set<std::string>> names;
  for (auto const& t : built_in_templates()) {
    auto const text = render(t.text, values);
    EXPECT_THAT(text.subject + text.body, Not(HasSubstr("{"))) << t.name;
    EXPECT_TRUE(names[std::string(t.language)].insert(std::string(t.name)).second);
  }
  EXPECT_EQ(names.size(), 2u);
  EXPECT_EQ(names["en"], names["de"]);
  for (auto const* name : {"verify_email", "sign_in", "reset_password", "claim", "set_password", "community_password", "email_changed",
                           "invitation", "administrator", "second_factor_off"})
    EXPECT_TRUE(names["en"].contains(name)) << name;
}

TEST(Templates, AnOperatorsFolderGoesBeforeAndLanguagesFallBackToEnglish) {
  test::TemporaryFolder folder;
  EXPECT_THAT(find_template("", "de", "claim"), HasSubstr("Hallo"));
  EXPECT_THAT(find_template("", "de-AT", "claim"), HasSubstr("Hallo"));
  for (auto const* language : {"fr", "", "../en", "en/../../x"})
    EXPECT_THAT(find_template("", language, "claim"), HasSubstr("Hello")) << language;
  EXPECT_THROW(find_template("", "en", "nothing"), TemplateError);
  EXPECT_THROW(find_template(folder.path(), "en", "../../etc/passwd"), TemplateError);
  std::filesystem::create_directory(folder.file("en"));
  std::ofstream(folder.file("en/claim.txt")) << "Subject: Ours\n\nOur own text.\n";
  EXPECT_EQ(find_template(folder.path(), "en", "claim"), "Subject: Ours\n\nOur own text.\n");
  EXPECT_EQ(find_template(folder.path(), "fr", "claim"), "Subject: Ours\n\nOur own text.\n");
  EXPECT_THAT(find_template(folder.path(), "de", "claim"), HasSubstr("Hallo"));
  std::ofstream(folder.file("en/invitation.txt")) << "Subject: \xff\n\nx\n";
  EXPECT_THROW(find_template(folder.path(), "en", "invitation"), TemplateError);
}

TEST(Messages, HeadersAreEncodedWordsWhenTheyMustBe) {
  EXPECT_EQ(encode_header("Plain words"), "Plain words");
  EXPECT_EQ(encode_header("Grüße"), "=?UTF-8?B?R3LDvMOfZQ==?=");
  EXPECT_EQ(encode_header("=?UTF-8?B?x?="), "=?UTF-8?B?PT9VVEYtOD9CP3g/PQ==?=") << "what looks encoded is no word of ours";
  for (std::string const& text : {std::string("ü") + std::string(200, 'x'), std::string(100, 'x')}) {
    auto const encoded = encode_header(text);
    std::size_t lines = 0;
    for (std::size_t at = 0; at < encoded.size(); ++lines) {
      auto const end = std::min(encoded.find("\r\n", at), encoded.size());
      EXPECT_LE(end - at, 76u);
      at = end + 2;
    }
    EXPECT_GT(lines, 1u);
  }
  // No character is cut in two: each word decodes to valid text.
  std::string umlauts;
  for (int i = 0; i < 60; ++i) umlauts += "ü";
  EXPECT_THAT(encode_header("x" + umlauts), testing::MatchesRegex("(=.UTF-8.B.[A-Za-z0-9+/]{1,60}=*.=\r?\n? ?)+"));
}

TEST(Messages, QuotedPrintableKeepsLinesShortAndLosesNothing) {
  EXPECT_EQ(quoted_printable("a=b\n"), "a=3Db\r\n");
  EXPECT_EQ(quoted_printable("ü \nx\t\r\ny"), "=C3=BC=20\r\nx=09\r\ny");
  EXPECT_EQ(quoted_printable("trailing "), "trailing=20");
  std::string const text = std::string(500, 'x') + "ü=" + std::string(75, ' ') + "\n.\n..\nFrom me\n";
  auto const encoded = quoted_printable(text);
  std::string decoded;
  for (std::size_t i = 0, column = 0; i < encoded.size(); ++i) {
    if (encoded.compare(i, 2, "\r\n") == 0) {
      EXPECT_LE(column, 76u);
      column = 0;
      decoded += '\n';
      ++i;
    } else if (encoded.compare(i, 3, "=\r\n") == 0) {
      EXPECT_LE(column + 1, 76u);
      column = 0;
      i += 2;
    } else if (encoded[i] == '=') {
      decoded += static_cast<char>(std::stoi(encoded.substr(i + 1, 2), nullptr, 16));
      column += 3;
      i += 2;
    } else {
      decoded += encoded[i];
      ++column;
    }
  }
  EXPECT_EQ(decoded, text);
}

TEST(Messages, AreComposedWithEveryHeaderOnce) {
  Message const message{{"Der Club \"Süd\"", "club@example.org"}, "mia@example.org", "77-1", {"Grüße", "Hallo\nWelt=\n"}, kNow};
  EXPECT_EQ(compose(message, Form::wire),
            "Date: Tue, 07 Apr 2026 09:00:00 +0000\r\nFrom: =?UTF-8?B?RGVyIENsdWIgIlPDvGQi?= <club@example.org>\r\n"
            "To: <mia@example.org>\r\nSubject: =?UTF-8?B?R3LDvMOfZQ==?=\r\nMessage-ID: <77-1@example.org>\r\n"
            "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\nHallo\r\nWelt=3D\r\n");
  EXPECT_THAT(compose(message, Form::readable), testing::EndsWith("Content-Transfer-Encoding: 8bit\r\n\r\nHallo\r\nWelt=\r\n"));
  Message const quoted{{"A \"b\" <c>", "club@example.org"}, "mia@example.org", "1", {"x", "y"}, kNow};
  EXPECT_THAT(compose(quoted, Form::wire), HasSubstr("From: \"A \\\"b\\\" <c>\" <club@example.org>\r\n"));
}

TEST(Messages, AddressesThatCouldAddAHeaderOrARecipientAreRefused) {
  EXPECT_EQ(parse_mailbox("The club <club@example.org>")->name, "The club");
  EXPECT_EQ(parse_mailbox("\"The club\" <club@example.org>")->name, "The club");
  EXPECT_EQ(parse_mailbox(" club@example.org ")->address, "club@example.org");
  for (auto const* text : {"", "club", "a@b.org, c@d.org", "a@b.org\r\nBcc: c@d.org", "<a@b.org> <c@d.org> x", "A\nB <a@b.org>",
                           "a@b.org>\r\nRCPT TO:<c@d.org", "A <a@b.org", "a b@example.org"})
    EXPECT_FALSE(parse_mailbox(text)) << text;
  EXPECT_FALSE(is_sendable("mia@example.org\r\nRCPT TO:<x@example.org>"));
  EXPECT_FALSE(is_sendable("mia@example.org>"));
  EXPECT_TRUE(is_sendable("mia+tag@example.org"));
}

}  // namespace
}  // namespace fealty::mail
