#pragma once
#include <string>
#include <string_view>

namespace fealty {

// Argon2id with a salt of its own, as the text that such hashes are stored in. Takes 19 MiB and tens of milliseconds: that is
// its purpose. Any thread.
std::string hash_password(std::string_view password);
// False too for a text that is no such hash.
bool verify_password(std::string const& stored, std::string_view password);

}  // namespace fealty
