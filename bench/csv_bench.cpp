// How fast CSV and forms are read, in bytes a second on one core: build with -DFEALTY_BENCH=ON, run build/csv_bench.
#include <benchmark/benchmark.h>

#include <random>

#include "api/csv_cell.h"
#include "api/csv_file.h"
#include "api/multipart.h"

namespace fealty::api {
namespace {

constexpr std::size_t kBytes = 32 * 1024 * 1024;

std::string csv_of(auto&& row) {
  std::mt19937 random(1);
  std::string text = "Email,First Name,Coins_op,Coins,Tag\r\n";
  for (int i = 0; text.size() < kBytes; ++i) row(text, i, random);
  return text;
}

std::string const& plain() {
  static std::string const text = csv_of([](std::string& out, int i, std::mt19937& random) {
    out += "member" + std::to_string(i) + "@example.org,Ana Maria,add," + std::to_string(random() % 100'000) + ",gold member\r\n";
  });
  return text;
}

std::string const& quoted() {
  static std::string const text = csv_of([](std::string& out, int i, std::mt19937& random) {
    out += "\"member" + std::to_string(i) + "@example.org\",\"Ana \"\"the\"\" Maria\",\"add\",\"" + std::to_string(random() % 100'000) +
           "\",\"gold,\nmember\"\r\n";
  });
  return text;
}

std::string const& accented() {
  static std::string const text = csv_of([](std::string& out, int i, std::mt19937& random) {
    out += "member" + std::to_string(i) + "@example.org,Zoë Müller-Łuków,add," + std::to_string(random() % 100'000) + ",золото\r\n";
  });
  return text;
}

std::string const& long_cells() {
  static std::string const text = csv_of([](std::string& out, int i, std::mt19937&) {
    out += std::to_string(i) + "@example.org," + std::string(400, 'x') + ",add,5," + std::string(200, 'y') + "\r\n";
  });
  return text;
}

std::string const& one_letter_cells() {
  static std::string const text = csv_of([](std::string& out, int, std::mt19937&) { out += "a,b,c,d,e\n"; });
  return text;
}

void counted(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(bytes));
}

void read_csv(benchmark::State& state, std::string const& text) {
  for (auto _ : state) {
    MemorySource memory(text, 64 * 1024);
    CsvFile file(memory, Limits(), [](std::string_view cell) { return cell == "Email"; });
    std::size_t cells = 0;
    for (CsvRecord record; file.next(record);) cells += record.cells.size();
    benchmark::DoNotOptimize(cells);
  }
  counted(state, text.size());
}

void read_and_clean(benchmark::State& state, std::string const& text) {
  std::string scratch;
  for (auto _ : state) {
    MemorySource memory(text, 64 * 1024);
    CsvFile file(memory, Limits(), [](std::string_view cell) { return cell == "Email"; });
    std::size_t bytes = 0;
    for (CsvRecord record; file.next(record);)
      for (std::string_view const raw : record.cells) bytes += clean(raw, false, scratch).text.size();
    benchmark::DoNotOptimize(bytes);
  }
  counted(state, text.size());
}

// A whole upload but for the network and the disk: form, count and hash, check of the file.
void upload(benchmark::State& state, std::string const& text) {
  std::string const form =
      "--bench\r\nContent-Disposition: form-data; name=\"data\"; filename=\"x.csv\"\r\n\r\n" + text + "\r\n--bench--\r\n";
  bool const hashed = state.range(0) != 0;
  for (auto _ : state) {
    MemorySource memory(form, 64 * 1024);
    MultipartReader reader(memory, "bench", MultipartLimits(Limits()));
    auto part = reader.next_part();
    std::optional<MeasuredSource> measured;
    if (hashed) measured.emplace(part->body, Limits().bulk_file_bytes_max);
    CsvFile file(hashed ? static_cast<ByteSource&>(*measured) : part->body, Limits(),
                 [](std::string_view cell) { return cell == "Email"; });
    std::size_t rows = 0;
    for (CsvRecord record; file.next(record);) ++rows;
    benchmark::DoNotOptimize(rows);
  }
  counted(state, text.size());
}

BENCHMARK_CAPTURE(read_csv, plain, plain());
BENCHMARK_CAPTURE(read_csv, quoted, quoted());
BENCHMARK_CAPTURE(read_csv, accented, accented());
BENCHMARK_CAPTURE(read_csv, long_cells, long_cells());
BENCHMARK_CAPTURE(read_csv, one_letter_cells, one_letter_cells());
BENCHMARK_CAPTURE(read_and_clean, plain, plain());
BENCHMARK_CAPTURE(read_and_clean, accented, accented());
BENCHMARK_CAPTURE(upload, plain, plain())->Arg(0)->Arg(1);

}  // namespace
}  // namespace fealty::api

BENCHMARK_MAIN();
