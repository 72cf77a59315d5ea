// What the text of one CSV cell means, and how a text is written so that it means the same when it comes back and no
// spreadsheet program runs it (bulk.md, "CSV dialect" and "Formula injection").
#pragma once
#include <string>
#include <string_view>

namespace fealty::api {

struct Cell {
  std::string_view text;
  bool is_clear = false;  // the command <clear>; '<clear> is the text
};

// Trims spaces and tabs (unless `multi_line`), puts the text into NFC and takes off the escaping apostrophe. The answer
// refers to `raw` or to `scratch`. `raw` is valid UTF-8.
Cell clean(std::string_view raw, bool multi_line, std::string& scratch);

// The reverse, for every CSV export: clean() of what it gives is the cell again. `numeric` says that the column holds
// numbers: a number in it is left as it is. The answer refers to the cell's text or to `scratch`.
std::string_view escape_for_export(std::string_view text, bool numeric, std::string& scratch);
std::string_view escape_for_export(Cell cell, bool numeric, std::string& scratch);

// True when `text` is in NFC for certain, without a look-up: ASCII, Latin, Cyrillic and most of Han and Hangul.
bool is_plainly_nfc(std::string_view text);

}  // namespace fealty::api
