#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/signature.h"

namespace fealty {
namespace {

std::string hex(std::string const& bytes) { return to_hex({reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size()}); }

// RFC 4648 section 10, without padding.
TEST(Base64, IsThatOfUrls) {
  for (auto const& [plain, text] :
       {std::pair{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(to_base64url(plain), text);
    EXPECT_EQ(from_base64url(text), plain);
  }
  EXPECT_EQ(to_base64url("\xfb\xff"), "-_8");
  EXPECT_EQ(to_base32("foobar"), "MZXW6YTBOI");
  EXPECT_EQ(to_base32("f"), "MY");
  for (auto const* bad : {"A", "Zg==", "Zh", "Zm9", "Zm 9v", "Zm+v", "Zm/v", "Zm9vY"}) EXPECT_FALSE(from_base64url(bad)) << bad;
}

// RFC 2202 section 3.
TEST(HmacSha1, GivesThePublishedValues) {
  EXPECT_EQ(hex(hmac_sha1(std::string(20, '\x0b'), "Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(hex(hmac_sha1("Jefe", "what do ya want for nothing?")), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hex(hmac_sha1(std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

// RFC 8032 section 7.1, test 2.
TEST(Signatures, GiveThePublishedValue) {
  SigningKey const key(*from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  std::string const message = "\x72";
  auto signature = key.sign(message);
  EXPECT_EQ(
      hex(signature),
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(key.verify(message, signature));
  EXPECT_FALSE(key.verify("other", signature));
  EXPECT_FALSE(key.verify(message, signature.substr(1)));
  signature[3] = static_cast<char>(signature[3] ^ 1);
  EXPECT_FALSE(key.verify(message, signature));
  EXPECT_THROW(SigningKey("short"), std::invalid_argument);
}

}  // namespace
}  // namespace fealty
