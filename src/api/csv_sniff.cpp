// Files that people upload by mistake. The first bytes tell; names and declared types of uploads mean nothing.
#include "api/csv_file.h"
#include "base/text.h"

namespace fealty::api {
namespace {

using namespace std::string_view_literals;

struct Format {
  std::string_view magic;
  char const* what;
};
constexpr Format kFormats[] = {
    {"%PDF-"sv, "a PDF document"},
    {"\x1F\x8B"sv, "compressed with gzip (send it with the header \"Content-Encoding: gzip\", or unpack it first)"},
    {"7z\xBC\xAF\x27\x1C"sv, "a 7-Zip archive"},
    {"Rar!\x1A\x07"sv, "a RAR archive"},
    {"\xFD\x37zXZ\x00"sv, "an XZ archive"},
    {"\x28\xB5\x2F\xFD"sv, "compressed with Zstandard"},
    {"BZh91AY&SY"sv, "a bzip2 archive"},
    {"\x89PNG\r\n\x1A\n"sv, "an image"},
    {"\xFF\xD8\xFF"sv, "an image"},
    {"GIF87a"sv, "an image"},
    {"GIF89a"sv, "an image"},
    {"II*\x00"sv, "an image"},
    {"MM\x00*"sv, "an image"},
    {"SQLite format 3\x00"sv, "a database"},
    {"PAR1"sv, "a Parquet file"},
    {"{\\rtf"sv, "a rich text document"},
};

[[noreturn]] void refuse_zip(std::string_view first) {
  auto const holds = [&](std::string_view name) { return first.find(name) != std::string_view::npos; };
  if (holds("xl/")) throw problems::xlsx_not_supported();
  if (holds("word/") || holds("ppt/")) throw problems::unsupported_file("an Office document without a table sheet");
  if (holds("[Content_Types].xml")) throw problems::xlsx_not_supported();
  if (holds("opendocument.spreadsheet")) throw problems::unsupported_file("an OpenDocument spreadsheet (.ods)");
  throw problems::unsupported_file("a ZIP archive (unpack it first)");
}

// UTF-16 of mostly Latin text has a NUL in every second byte, always on the same side.
bool looks_like_utf16(std::string_view first) {
  std::size_t const units = first.size() / 2;
  std::size_t nuls[2] = {0, 0};
  for (std::size_t i = 0; i < 2 * units; ++i) nuls[i % 2] += first[i] == '\0';
  return units >= 2 && (nuls[0] == 0) != (nuls[1] == 0) && 2 * (nuls[0] + nuls[1]) >= units;
}

bool looks_like_markup(std::string_view first) {
  if (first.starts_with("\xEF\xBB\xBF")) first.remove_prefix(3);
  first = trim_space(first);
  for (std::string_view const tag : {"<html"sv, "<!doctype"sv, "<?xml"sv, "<table"sv})
    if (equals_ignore_ascii_case(first.substr(0, tag.size()), tag)) return true;
  return false;
}

}  // namespace

void refuse_other_formats(std::string_view first) {
  if (first.starts_with("PK\x03\x04"sv) || first.starts_with("PK\x05\x06"sv) || first.starts_with("PK\x07\x08"sv)) refuse_zip(first);
  if (first.starts_with("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv)) throw problems::xls_not_supported();
  for (Format const& format : kFormats)
    if (first.starts_with(format.magic)) throw problems::unsupported_file(format.what);
  if (first.size() >= 12 && first.starts_with("RIFF"sv) && first.substr(8, 4) == "WEBP"sv) throw problems::unsupported_file("an image");
  if (first.starts_with("\xFF\xFE\x00\x00"sv) || first.starts_with("\x00\x00\xFE\xFF"sv)) throw problems::utf32();
  if (byte_order_mark(first).bytes != 2 && looks_like_utf16(first)) throw problems::utf16_without_mark();
  // Some programs call a web page with a table "xls" or "csv".
  if (looks_like_markup(first)) throw problems::unsupported_file("a web page or an XML document");
}

}  // namespace fealty::api
