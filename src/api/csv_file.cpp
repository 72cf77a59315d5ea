#include "api/csv_file.h"

#include <array>
#include <exception>

#include "api/csv_cell.h"
#include "base/text.h"

namespace fealty::api {
namespace {

constexpr std::size_t kSniffBytes = 512;
constexpr std::size_t kSniffZipBytes = 64 * 1024;
// Blank lines before the header are skipped, but a file of nothing else is not searched for ever.
constexpr std::int64_t kBlankBytesMax = 64 * 1024;
constexpr std::array kDelimiters = {',', ';', '\t'};

// Keeps what it has given until told otherwise, so that the header can be read with each delimiter. Kept text is bounded
// by what the header's readers ask for.
class ReplaySource final : public ByteSource {
 public:
  explicit ReplaySource(ByteSource& in) : in_(in) {}

  std::size_t read(std::span<char> into) override {
    if (at_ < kept_.size()) {
      std::size_t const n = std::min(into.size(), kept_.size() - at_);
      std::memcpy(into.data(), kept_.data() + at_, n);
      at_ += n;
      if (!keeping_ && at_ == kept_.size()) kept_ = std::string();
      return n;
    }
    if (!keeping_) return in_.read(into);
    if (failure_) std::rethrow_exception(failure_);
    std::size_t n = 0;
    try {
      n = in_.read(into.first(std::min(into.size(), kPieceBytes)));
    } catch (...) {
      // Every reader of the header has to meet it at the same place.
      failure_ = std::current_exception();
      throw;
    }
    kept_.append(into.data(), n);
    at_ += n;
    return n;
  }

  std::string_view kept() const { return kept_; }
  void rewind(std::size_t to) { at_ = to; }
  void stop_keeping() {
    keeping_ = false;
    kept_.erase(0, std::exchange(at_, 0));
  }

 private:
  static constexpr std::size_t kPieceBytes = 4096;
  ByteSource& in_;
  std::string kept_;
  std::size_t at_ = 0;
  bool keeping_ = true;
  std::exception_ptr failure_;
};

// Bytes that were looked at already, then the rest.
class PrefixedSource final : public ByteSource {
 public:
  explicit PrefixedSource(ByteSource& in) : in_(in) {}

  // Looks at `bytes` bytes, or all if there are fewer.
  std::string_view peek(std::size_t bytes) {
    std::size_t have = prefix_.size();
    prefix_.resize(std::max(have, bytes));
    while (have < bytes && !ended_) {
      std::size_t const n = in_.read({prefix_.data() + have, bytes - have});
      have += n;
      ended_ = n == 0;
    }
    prefix_.resize(have);
    return prefix_;
  }

  std::size_t read(std::span<char> into) override {
    if (at_ == prefix_.size()) return ended_ ? 0 : in_.read(into);
    std::size_t const n = std::min(into.size(), prefix_.size() - at_);
    std::memcpy(into.data(), prefix_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  ByteSource& in_;
  std::string prefix_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

// How many bytes of `utf8` stand for the first `bytes` bytes of the file.
std::size_t utf8_bytes(std::string_view utf8, std::int64_t bytes, Encoding encoding) {
  if (encoding == Encoding::utf8) return static_cast<std::size_t>(bytes);
  std::size_t at = 0;
  for (std::int64_t units = bytes / 2; units > 0;) {
    auto const lead = static_cast<unsigned char>(utf8[at]);
    units -= lead >= 0xF0 ? 2 : 1;
    at += lead < 0x80 ? 1u : lead < 0xE0 ? 2u : lead < 0xF0 ? 3u : 4u;
  }
  return at;
}

struct SepLine {
  char delimiter = 0;  // 0: there is none
  std::size_t length = 0;
};

// sep=X, in any case and perhaps in quotes, with its line end. X is a tab or a punctuation character.
SepLine read_sep_line(ReplaySource& source) {
  // A problem here is met again by the header's reader, which knows the line.
  auto const get = [&](char& c) {
    try {
      return source.read({&c, 1}) > 0;
    } catch (FileProblem const&) {
      return false;
    }
  };
  std::string line;
  for (char c = 0; line.size() < 8 && c != '\r' && c != '\n' && get(c);) line += c;
  std::size_t length = line.size();
  std::string_view text = line;
  if (text.ends_with('\r') || text.ends_with('\n')) text.remove_suffix(1);
  if (text.size() == 7 && text.front() == '"' && text.back() == '"') text = text.substr(1, 5);
  if (text.size() != 5 || !equals_ignore_ascii_case(text.substr(0, 4), "sep=")) return {};
  char const delimiter = text[4];
  bool const punctuation = delimiter > ' ' && delimiter < 0x7F && !(delimiter >= '0' && delimiter <= '9') &&
                           !(delimiter >= 'A' && delimiter <= 'Z') && !(delimiter >= 'a' && delimiter <= 'z') && delimiter != '"';
  if (!punctuation && delimiter != '\t') return {};
  if (char c = 0; line.ends_with('\r') && get(c) && c == '\n') ++length;
  return {delimiter, length};
}

// The header as one delimiter makes it.
struct Candidate {
  Dialect dialect;
  std::optional<FileProblem> problem;
  std::vector<std::string> cells;
  std::size_t dropped = 0;
  std::size_t known = 0;
  CsvPosition begin, end;
};

Candidate try_header(ByteSource& source, Dialect dialect, Limits const& limits, CsvPosition start, CsvFile::Known const& known) {
  Candidate candidate;
  candidate.dialect = dialect;
  candidate.begin = candidate.end = start;
  try {
    CsvReader reader(source, dialect, limits, start);
    CsvRecord record;
    bool found = false;
    while (!found && reader.position().offset - start.offset < kBlankBytesMax && reader.next(record)) found = !record.blank;
    if (!found) {
      candidate.begin = candidate.end = reader.position();
      candidate.end.row = 2;
      return candidate;
    }
    candidate.begin = {record.offset, 1, record.line};
    candidate.end = {record.end_offset, 2, record.end_line};
    std::string scratch;
    for (std::string_view const raw : record.cells) candidate.cells.emplace_back(clean(raw, false, scratch).text);
    while (!candidate.cells.empty() && candidate.cells.back().empty()) {
      candidate.cells.pop_back();
      ++candidate.dropped;
    }
    candidate.known = static_cast<std::size_t>(std::count_if(candidate.cells.begin(), candidate.cells.end(), known));
  } catch (FileProblem const& problem) {
    candidate.problem = problem;
  }
  return candidate;
}

// The delimiter with which most cells are known; the first one of equals. When no cell is known with any of them, a
// header that cannot be read is reported, and else the delimiter that finds most cells gives the clearest complaints.
Candidate choose(std::vector<Candidate> candidates) {
  auto const best_by = [&](auto&& value) {
    return std::max_element(candidates.begin(), candidates.end(),
                            [&](Candidate const& a, Candidate const& b) { return value(a) < value(b); });
  };
  auto const by_known = best_by([](Candidate const& h) { return h.known; });
  if (by_known->known > 0) return std::move(*by_known);
  for (Candidate const& candidate : candidates)
    if (candidate.problem) throw FileProblem(*candidate.problem);
  // Nothing but one delimiter and blanks is no text, whatever it would be with another delimiter.
  for (Candidate& candidate : candidates)
    if (candidate.cells.empty()) return std::move(candidate);
  return std::move(*best_by([](Candidate const& h) { return h.cells.size(); }));
}

}  // namespace

struct CsvFile::State {
  explicit State(ByteSource& in) : prefixed(in) {}

  PrefixedSource prefixed;
  std::optional<Utf8Source> utf8;
  std::optional<ReplaySource> replay;
  std::optional<CsvReader> reader;
  Opening opening;
  std::vector<std::string> header;
  std::size_t dropped = 0;
};

CsvFile::CsvFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
CsvFile::CsvFile(CsvFile&&) noexcept = default;
CsvFile& CsvFile::operator=(CsvFile&&) noexcept = default;
CsvFile::~CsvFile() = default;

CsvFile::CsvFile(ByteSource& in, Limits const& limits, Known const& known) : state_(std::make_unique<State>(in)) {
  State& s = *state_;
  std::string_view first = s.prefixed.peek(kSniffBytes);
  if (first.starts_with("PK")) first = s.prefixed.peek(kSniffZipBytes);
  refuse_other_formats(first);
  ByteOrderMark const mark = byte_order_mark(first);
  s.utf8.emplace(s.prefixed, mark.encoding);
  s.replay.emplace(*s.utf8);

  SepLine const sep = read_sep_line(*s.replay);
  CsvPosition start{mark.bytes, 1, 1};
  if (sep.delimiter != 0) {
    start.offset += encoded_bytes(s.replay->kept().substr(0, sep.length), mark.encoding);
    start.line = 2;
  }
  std::vector<Candidate> candidates;
  auto const attempt = [&](char delimiter) {
    s.replay->rewind(sep.length);
    candidates.push_back(try_header(*s.replay, {delimiter, mark.encoding}, limits, start, known));
  };
  if (sep.delimiter != 0)
    attempt(sep.delimiter);
  else
    for (char const delimiter : kDelimiters) attempt(delimiter);
  Candidate candidate = choose(std::move(candidates));

  s.opening = {candidate.dialect, sep.delimiter != 0, candidate.begin.offset, candidate.begin.line};
  s.header = std::move(candidate.cells);
  s.dropped = candidate.dropped;
  s.replay->rewind(utf8_bytes(s.replay->kept(), candidate.end.offset - mark.bytes, mark.encoding));
  s.replay->stop_keeping();
  s.reader.emplace(*s.replay, candidate.dialect, limits, candidate.end);
}

CsvFile CsvFile::resume(ByteSource& in, Dialect dialect, CsvPosition position, Limits const& limits) {
  auto state = std::make_unique<State>(in);
  state->opening.dialect = dialect;
  state->utf8.emplace(state->prefixed, dialect.encoding, position.offset == 0, position.offset);
  state->reader.emplace(*state->utf8, dialect, limits, position);
  return CsvFile(std::move(state));
}

Opening const& CsvFile::opening() const { return state_->opening; }
std::vector<std::string> const& CsvFile::header() const { return state_->header; }
std::size_t CsvFile::header_cells_dropped() const { return state_->dropped; }
bool CsvFile::next(CsvRecord& record) { return state_->reader->next(record); }
CsvPosition CsvFile::position() const { return state_->reader->position(); }

}  // namespace fealty::api
