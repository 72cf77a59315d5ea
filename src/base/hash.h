#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace fealty {

// 32 raw bytes.
std::string sha256(std::string_view data);

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256 const&) = delete;
  Sha256& operator=(Sha256 const&) = delete;
  void update(std::string_view data);
  // 32 raw bytes; call once.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 20 raw bytes: what authenticator programs compute their codes with (RFC 4226).
std::string hmac_sha1(std::string_view key, std::string_view data);

// Equal length and content, in time that depends on the length alone.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace fealty
