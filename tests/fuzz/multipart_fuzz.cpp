// Any bytes as a form: cut into other pieces, they have to give the same parts or the same problem.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "api/multipart.h"
#include "base/text.h"

using namespace fealty;
using namespace fealty::api;

namespace {

struct Got {
  std::string name, body, content_type;
  std::optional<std::string> filename;
  bool operator==(Got const&) const = default;
};

struct Form {
  std::vector<Got> parts;
  std::string problem;
  bool operator==(Form const&) const = default;
};

Form read_form(std::string_view bytes, std::size_t in_piece, std::size_t out_piece) {
  Form form;
  MemorySource memory(bytes, in_piece);
  std::string into(out_piece, '\0');
  try {
    MultipartReader reader(memory, "b", MultipartLimits(Limits()));
    while (auto part = reader.next_part()) {
      form.parts.push_back({part->name, "", part->content_type, part->filename});
      while (std::size_t const n = part->body.read(into)) form.parts.back().body.append(into.data(), n);
    }
  } catch (FileProblem const& problem) {
    form.problem = problem.message;
  }
  return form;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 2 || size > 64 * 1024) return 0;
  std::string_view const bytes(reinterpret_cast<char const*>(data) + 2, size - 2);
  Form const whole = read_form(bytes, 1 << 20, 1 << 16);
  if (read_form(bytes, 1 + data[0] % 32, 1 + data[1]) != whole) std::abort();
  for (Got const& part : whole.parts)
    if (part.filename && !is_valid_utf8(*part.filename)) std::abort();
  boundary_of(bytes);
  return 0;
}
