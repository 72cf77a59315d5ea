// Files from the server that arrive whole or not at all, also over a connection that breaks.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "app/bulk/remote.h"
#include "app/bulk/reporter.h"

namespace fealty::app::bulk {

// A file that is written as NAME.part, for its owner alone, and gets its name when it is complete; or standard output or
// another thing that is no file, which are written directly. An unfinished .part is removed. Throws CommandError.
class OutputFile {
 public:
  explicit OutputFile(std::string const& path);
  ~OutputFile();
  OutputFile(OutputFile const&) = delete;
  OutputFile& operator=(OutputFile const&) = delete;

  void write(std::string_view piece);
  // From the beginning again. False when what was written is gone: it is no file.
  bool restart();
  // Stores the bytes safely, then gives the file its name.
  void finish();

 private:
  void open_part();
  [[noreturn]] void fail_with(char const* what) const;

  std::string path_, part_;
  int descriptor_ = -1;
  bool own_ = true, finished_ = false;
};

// Streams `path` of the server to `output` (a file, or - for standard output) and gives its size. A connection that breaks is
// taken up again where it broke (Range). Throws as Remote::run does, and CommandError when the output cannot be written.
std::int64_t download(Remote& remote, Reporter& reporter, std::string const& path, std::string const& output);

}  // namespace fealty::app::bulk
