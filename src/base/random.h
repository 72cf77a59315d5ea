#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace fealty {

// Bytes from the system's random source. Any thread.
std::string random_bytes(std::size_t count);
// Letters and digits, each from the system's random source without bias.
std::string random_base62(std::size_t characters);

}  // namespace fealty
