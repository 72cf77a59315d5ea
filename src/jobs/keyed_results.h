// The results file of a job whose rows are no rows of an uploaded file (a reversal): row, key and what became of it, read page
// by page as the details are.
#pragma once
#include <functional>

#include "api/http_types.h"
#include "jobs/bulk_service.h"

namespace fealty::jobs {

class KeyedResultsBody final : public api::BodyStream {
 public:
  // Gives the rows behind this one, or the first ones; none at the end.
  using ReadPage = std::function<std::vector<RowDetail>(std::optional<std::int64_t> after_row)>;
  KeyedResultsBody(char delimiter, ReadPage read_page) : delimiter_(delimiter), read_page_(std::move(read_page)) {}
  Next next(std::string& out) override;

 private:
  char delimiter_;
  ReadPage read_page_;
  std::optional<std::int64_t> after_row_;
  bool begun_ = false;
};

}  // namespace fealty::jobs
