// The installation's own key: what has to be stored readably (keys that sign, secrets of second factors) is enciphered with
// it. It is a file beside the database, so that a copy of the database alone gives nothing away.
#pragma once
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fealty::access {

// The message is for the operator.
class VaultError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Vault {
 public:
  // 32 bytes.
  explicit Vault(std::string key);
  // A file of 64 hex digits that nobody else may read. With `make` a missing one is made, durably; two programs that make it at
  // once agree on one. Throws VaultError.
  static Vault from_file(std::string const& path, bool make);

  std::string seal(std::string_view purpose, std::string_view plain) const;
  std::optional<std::string> open(std::string_view purpose, std::string_view sealed) const;
  // 32 bytes that nobody can compute without the key.
  std::string keyed_hash(std::string_view purpose, std::string_view text) const;
  // Names the installation; tells nothing about the key.
  std::string const& name() const { return name_; }

 private:
  std::string key_, name_;
};

}  // namespace fealty::access
