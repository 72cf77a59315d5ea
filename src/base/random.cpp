#include "base/random.h"

#include <sodium.h>

#include <stdexcept>

namespace fealty {
namespace {
// libsodium asks the kernel (getrandom) and stops the program rather than give weak bytes.
void ready() {
  static bool const ok = sodium_init() >= 0;
  if (!ok) throw std::runtime_error("libsodium could not be initialised");
}
}  // namespace

std::string random_bytes(std::size_t count) {
  ready();
  std::string out(count, '\0');
  randombytes_buf(out.data(), out.size());
  return out;
}

std::string random_base62(std::size_t characters) {
  ready();
  static constexpr char kAlphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string out(characters, '\0');
  for (char& c : out) c = kAlphabet[randombytes_uniform(62)];
  return out;
}

}  // namespace fealty
